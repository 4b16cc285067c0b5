// What a configuration file would change, grouped as a person reads it. Pure.

import type { ConfigurationChange } from '../../api/types';
import { fieldChanges, type FieldChange } from '../../lib/diff_core';

/** As much as the server takes. */
export const DOCUMENT_BYTES_MAX = 2 * 1024 * 1024;

/** In the order in which one needs the other. */
const TITLES: Record<string, string> = { connector: 'Connectors', channel: 'Channels of connectors', visibility: 'Who sees channels', target: 'Targets', mapping: 'Mappings' };
const ACTIONS: readonly ConfigurationChange['action'][] = ['create', 'change', 'remove'];

export interface Group { kind: ConfigurationChange['kind']; title: string; counts: { action: ConfigurationChange['action']; count: number }[]; changes: ConfigurationChange[] }

/** By kind, in the order things depend on each other; in each what is made, what is changed, what goes. */
export function groups(changes: readonly ConfigurationChange[]): Group[] {
  return Object.entries(TITLES).map(([kind, title]) => {
    const own = changes.filter((change) => change.kind === kind);
    const of = (action: ConfigurationChange['action']) => own.filter((change) => change.action === action);
    return {
      kind, title,
      counts: ACTIONS.map((action) => ({ action, count: of(action).length })).filter(({ count }) => count > 0),
      changes: ACTIONS.flatMap(of),
    };
  }).filter((group) => group.changes.length > 0);
}

/** The fields of a change as a diff shows them; structured values leaf by leaf. */
export function fieldsOf(change: ConfigurationChange): FieldChange[] {
  return change.fields.flatMap(({ field, before, after }) => fieldChanges({ [field]: before }, { [field]: after }));
}

/** "3 to make, 1 to remove". */
export function countWords(counts: Group['counts']): string {
  const words = { create: 'to make', change: 'to change', remove: 'to remove' };
  return counts.map(({ action, count }) => `${count} ${words[action]}`).join(', ');
}

export function totals(changes: readonly ConfigurationChange[]): Group['counts'] {
  return ACTIONS.map((action) => ({ action, count: changes.filter((change) => change.action === action).length })).filter(({ count }) => count > 0);
}

/** A file's name for today, so that several exports lie side by side. */
export function exportName(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `heliograph-configuration-${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}.toml`;
}

/** The line that a refusal speaks of, from 1. */
export function lineOf(message: string): number | null {
  const line = /line (\d+)/.exec(message)?.[1];
  return line === undefined ? null : Number(line);
}

/** Where the line begins and ends in the text. */
export function spanOfLine(text: string, line: number): [number, number] {
  const lines = text.split('\n');
  const place = Math.max(0, Math.min(lines.length - 1, line - 1));
  const start = lines.slice(0, place).reduce((sum, one) => sum + one.length + 1, 0);
  return [start, start + (lines[place]?.length ?? 0)];
}
