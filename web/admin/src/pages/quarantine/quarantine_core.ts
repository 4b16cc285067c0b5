// What became of quarantined items that were replayed. Pure.

export type Outcome = 'accepted' | 'deduped' | 'ignored' | 'held' | 'rejected';
export interface Result { quarantine_id: number; outcome: string; reason: string | null }

const WORDS: Record<string, string> = {
  accepted: 'accepted', deduped: 'said nothing new', ignored: 'not from a source channel', held: 'held until its create comes', rejected: 'rejected again', dropped: 'dropped by a person',
};

export function outcomeWords(outcome: string): string {
  return WORDS[outcome] ?? outcome;
}

/** "3 accepted, 1 rejected again". */
export function tally(results: readonly Result[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${count} ${outcomeWords(outcome)}`).join(', ');
}
