// Short messages of what happened. They go by themselves, but not while something can still be undone in them and somebody reads.

import { call } from '../api/client';
import { asProblem } from '../api/problem';
import type { AuditEntry } from '../api/types';
import type { Tone } from './format';

const SHOWN_MS = 6_000;
const SHOWN_WITH_ACTION_MS = 15_000;
const TOASTS_MAX = 4;

export interface Toast { id: number; text: string; tone: Tone; action: { label: string; run: () => void | Promise<void> } | null }

class Toasts {
  shown = $state<Toast[]>([]);
  private next = 1;
  private timers = new Map<number, ReturnType<typeof setTimeout>>();

  say(text: string, { tone = '', action = null }: { tone?: Tone; action?: Toast['action'] } = {}): number {
    const id = this.next++;
    this.shown = [...this.shown, { id, text, tone, action }].slice(-TOASTS_MAX);
    this.goAfter(id, action === null ? SHOWN_MS : SHOWN_WITH_ACTION_MS);
    return id;
  }

  /** What went wrong, when the page has no better place to say it. */
  problem(thrown: unknown): void {
    const problem = asProblem(thrown);
    this.say(problem.correlation_id === null ? problem.message : `${problem.message} (${problem.correlation_id})`, { tone: 'bad' });
  }

  /**
   * What was done, with a button that takes it back: the newest change of this subject that can be undone, and its group. It is looked
   * for at once, so that a later change is not taken for it. `action` is what the audit calls it (a prefix does), `since_ms` keeps an
   * older change from being taken for it.
   */
  undoable(text: string, change: { subject?: string; action: string; since_ms: number }): void {
    const entry = this.changeOf(change);
    // Nobody waits for it until somebody undoes; a failure is told then.
    entry.catch(() => {});
    this.say(text, { tone: 'good', action: { label: 'Undo', run: () => this.undo(entry) } });
  }

  private async changeOf({ subject, action, since_ms }: { subject?: string; action: string; since_ms: number }): Promise<AuditEntry | undefined> {
    const { items } = await call('GET /api/audit', { query: { subject, action, limit: 20 } });
    return items.find((found) => found.undoes === null && found.undone_by === null && found.at_ms >= since_ms);
  }

  private async undo(looked_for: Promise<AuditEntry | undefined>): Promise<void> {
    try {
      const entry = await looked_for;
      if (entry === undefined) {
        this.say('This change is not there to be undone any more. Look at the audit.', { tone: 'warn' });
        return;
      }
      const { undone } = await call('POST /api/audit/{audit_id}/undo', { path: { audit_id: entry.audit_id }, body: { whole_group: entry.group_id !== null } });
      this.say(undone === 1 ? 'Undone' : `${undone} changes undone`, { tone: 'good' });
    } catch (thrown) {
      this.problem(thrown);
    }
  }

  dismiss(id: number): void {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  /** Nothing goes while it is pointed at or focused. */
  hold(id: number): void {
    clearTimeout(this.timers.get(id));
  }

  release(id: number): void {
    this.goAfter(id, SHOWN_MS);
  }

  private goAfter(id: number, after_ms: number): void {
    clearTimeout(this.timers.get(id));
    this.timers.set(id, setTimeout(() => this.dismiss(id), after_ms));
  }
}

export const toasts = new Toasts();

/** The server's clock may be a little behind ours: what we are about to change is not older than this. */
export function changeMoment(now_ms: number): number {
  return now_ms - 2000;
}
