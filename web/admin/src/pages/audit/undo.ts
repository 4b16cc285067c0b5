// Asks whether a change, or all that were made with it, is to be taken back, and does it.

import { call } from '../../api/client';
import { asProblem } from '../../api/problem';
import type { AuditEntry } from '../../api/types';
import { confirm } from '../../lib/confirm.svelte';
import { plural } from '../../lib/format';
import { toasts } from '../../lib/toasts.svelte';
import { actionWords, subjectWords, undoFacts } from './audit_core';

const FACTS_MAX = 12;

/** Whether something was taken back. `group`: the entries that are known of the group, when all of it is meant. */
export async function undo(entry: AuditEntry, group: readonly AuditEntry[] | null = null): Promise<boolean> {
  const meant = group === null ? [entry] : group.filter((one) => one.can_undo);
  const facts = meant.flatMap((one) => undoFacts(one).map((fact) => (meant.length > 1 ? `${subjectWords(one)}: ${fact}` : fact)));
  const answer = await confirm({
    title: group === null ? 'Undo this change?' : `Undo all ${plural(meant.length, 'change')} that were made together?`,
    text: group === null ? `${entry.actor} ${actionWords(entry.action)}: ${subjectWords(entry)}. What is restored:` : 'All of them, or none when one was changed again since. What is restored:',
    facts: facts.length > FACTS_MAX ? [...facts.slice(0, FACTS_MAX), `and ${facts.length - FACTS_MAX} more`] : facts,
    action: 'Undo',
  });
  if (answer === null) return false;
  try {
    const { undone } = await call('POST /api/audit/{audit_id}/undo', { path: { audit_id: entry.audit_id }, body: { whole_group: group !== null } });
    toasts.say(`${plural(undone, 'change')} undone`, { tone: 'good' });
    return true;
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (problem.status === 409) toasts.say(`Not undone: ${problem.message}`, { tone: 'warn' });
    else toasts.problem(problem);
    return false;
  }
}
