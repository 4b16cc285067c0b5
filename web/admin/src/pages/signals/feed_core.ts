// The list of recent signals as frames come in. Pure: every function answers a new list.

import type { FrameOf } from '../../live/live.svelte';
import type { SignalLine } from '../../api/types';

export const LINES_MAX = 300;

export interface Feed {
  lines: readonly SignalLine[];
  /** Signals that came faster than a page can show: they are in the history, but were not sent here. */
  skipped: number;
  /** What changed while the list was held still. */
  held: readonly FrameOf<'signal'>[];
}

export const EMPTY_FEED: Feed = { lines: [], skipped: 0, held: [] };
const HELD_MAX = 500;

/** A frame, shown at once or kept until the list moves again. Frames of channels that are not shown are left out. */
export function take(feed: Feed, frame: FrameOf<'signal'>, { channel_id, is_held }: { channel_id: string | null; is_held: boolean }): Feed {
  const skipped = feed.skipped + (frame.skipped ?? 0);
  if (channel_id !== null && frame.line.channel_id !== channel_id) return { ...feed, skipped };
  const is_shown = feed.lines.some((line) => line.signal_id === frame.line.signal_id);
  // What stands there is put right even while the list is still: nothing moves by that.
  if (is_shown) return { ...feed, skipped, lines: put(feed.lines, frame.line) };
  if (is_held) return { ...feed, skipped, held: [...feed.held, frame].slice(-HELD_MAX) };
  return { ...feed, skipped, lines: put(feed.lines, frame.line) };
}

/** Lets go what was held. */
export function release(feed: Feed): Feed {
  return { ...feed, held: [], lines: feed.held.reduce((lines, frame) => put(lines, frame.line), feed.lines) };
}

/** The line in its place, newest first; an older state of a signal does not replace a newer one. */
export function put(lines: readonly SignalLine[], line: SignalLine): readonly SignalLine[] {
  const at = lines.findIndex((one) => one.signal_id === line.signal_id);
  if (at >= 0) {
    const was = lines[at] as SignalLine;
    return was.revision > line.revision ? lines : lines.map((one, i) => (i === at ? line : one));
  }
  const place = lines.findIndex((one) => isNewer(line, one));
  const next = place < 0 ? [...lines, line] : [...lines.slice(0, place), line, ...lines.slice(place)];
  return next.slice(0, Math.max(LINES_MAX, lines.length));
}

/** The lines with a page of the history put in: what came live stays when it is newer. */
export function merge(lines: readonly SignalLine[], page: readonly SignalLine[]): readonly SignalLine[] {
  const known = new Map(lines.map((line) => [line.signal_id, line]));
  for (const line of page) {
    const was = known.get(line.signal_id);
    if (was === undefined || was.revision <= line.revision) known.set(line.signal_id, line);
  }
  return [...known.values()].sort((a, b) => (isNewer(a, b) ? -1 : 1));
}

function isNewer(a: SignalLine, b: SignalLine): boolean {
  if (a.created_at_ms !== b.created_at_ms) return a.created_at_ms > b.created_at_ms;
  return a.signal_id.length === b.signal_id.length ? a.signal_id > b.signal_id : a.signal_id.length > b.signal_id.length;
}

/** Whether it is still to be seen how far one of them gets. */
export function isAwaited(lines: readonly SignalLine[]): boolean {
  return lines.some(({ deliveries: { wanted, delivered, dead, dropped } }) => delivered + dead + dropped < wanted);
}

/** How far a signal got, in one word. */
export function deliveryState({ deliveries, deleted }: SignalLine): { text: string; tone: '' | 'good' | 'warn' | 'bad' } {
  const { wanted, delivered, dead, dropped } = deliveries;
  if (dead > 0) return { text: `${dead} of ${wanted} dead`, tone: 'bad' };
  if (wanted === 0) return { text: deleted ? 'deleted' : 'not mirrored', tone: '' };
  if (delivered + dropped >= wanted) return { text: dropped > 0 ? `${delivered} delivered, ${dropped} dropped` : `${delivered} delivered`, tone: 'good' };
  return { text: `${delivered} of ${wanted} delivered`, tone: 'warn' };
}
