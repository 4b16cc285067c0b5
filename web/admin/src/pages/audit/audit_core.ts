// What the audit says, for people: words for actions, where a subject is looked at, which entries belong together, and what an undo
// would bring back. Pure.

import type { AuditEntry } from '../../api/types';
import { fieldChanges } from '../../lib/diff_core';

const ACTIONS: Record<string, string> = {
  'mapping.create': 'made a mapping', 'mapping.change': 'changed a mapping', 'mapping.remove': 'removed a mapping', 'mapping.backfill': 'back-filled a mapping',
  'channel_role.put': 'marked a channel', 'channel_role.remove': 'unmarked a channel', 'channel.visibility': 'set who sees a channel',
  'connector.create': 'made a connector', 'connector.change': 'changed a connector', 'connector.rotate': 'rotated a token', 'connector.remove': 'removed a connector',
  'connector.discovery': 'asked for a discovery', 'target.pause': 'paused a target', 'target.resume': 'resumed a target', 'target.offer': 'offered a target',
  'target.reconcile': 'asked for a reconciliation', 'target.reconcile_cancel': 'cancelled a reconciliation', 'delivery.redrive': 'redrove dead letters', 'delivery.drop': 'dropped deliveries',
  'delivery.restore': 'restored deliveries', 'session_token.create': 'made a session token', 'session_token.revoke': 'revoked a session token',
  'quarantine.replay': 'replayed quarantined items', 'quarantine.drop': 'dropped quarantined items', 'configuration.apply': 'applied a configuration file',
};
/** Kinds one can look for, by the beginning of their actions. */
export const KINDS: readonly { value: string; text: string }[] = [
  { value: '', text: 'Everything' }, { value: 'mapping.', text: 'Mappings' }, { value: 'channel_role.', text: 'Channel marks' }, { value: 'channel.', text: 'Visibility' },
  { value: 'connector.', text: 'Connectors' }, { value: 'target.', text: 'Targets' }, { value: 'delivery.', text: 'Deliveries' }, { value: 'quarantine.', text: 'Quarantine' },
  { value: 'session_token.', text: 'Session tokens' }, { value: 'configuration.', text: 'Configuration file' },
];

/** "changed a mapping"; an action that is not known in its own words. */
export function actionWords(action: string): string {
  return ACTIONS[action] ?? action.replaceAll('_', ' ').replace('.', ': ');
}

/** The page that shows what it was about; null where there is none. */
export function subjectHref(entry: AuditEntry): string | null {
  const subject = entry.subject;
  switch (entry.action.split('.')[0]) {
    case 'mapping': return /^\d+$/.test(subject) && entry.action !== 'mapping.remove' ? `/mappings/${subject}` : null;
    case 'connector': return `/connectors/${encodeURIComponent(subject)}`;
    case 'channel': return `/channels?q=${encodeURIComponent(subject)}`;
    case 'target': return /^\d+$/.test(subject) ? `/targets/${subject}` : null;
    case 'session_token': return '/session-tokens';
    case 'delivery': return '/dead-letters';
    case 'quarantine': return '/quarantine';
    case 'channel_role': {
      const connector_id = subject.split('/')[0] ?? '';
      const guild_id = textField(entry.after, 'guild_id') ?? textField(entry.before, 'guild_id');
      return guild_id === null ? `/connectors/${encodeURIComponent(connector_id)}` : `/connectors/${encodeURIComponent(connector_id)}/guilds/${guild_id}`;
    }
    default: return null;
  }
}

/** Entries one after the other that were made together. */
export interface Batch { key: string; group_id: AuditEntry['group_id']; entries: AuditEntry[] }

export function batches(entries: readonly AuditEntry[]): Batch[] {
  const made: Batch[] = [];
  for (const entry of entries) {
    const last = made.at(-1);
    if (last !== undefined && entry.group_id !== null && last.group_id === entry.group_id) last.entries.push(entry);
    else made.push({ key: String(entry.audit_id), group_id: entry.group_id, entries: [entry] });
  }
  return made;
}

/** What taking it back would do, a line each: from what is to what was. */
export function undoFacts(entry: AuditEntry): string[] {
  if (entry.before === null || entry.before === undefined) return isNamedRow(entry.action) ? ['what was made is removed'] : fieldsBack(entry);
  if (entry.after === null || entry.after === undefined) return ['what was removed comes back as it was'];
  return fieldsBack(entry);
}

function fieldsBack(entry: AuditEntry): string[] {
  return fieldChanges(entry.after, entry.before).map(({ field, before, after }) => `${field}: ${before ?? 'nothing'} → ${after ?? 'nothing'}`);
}

/** Rows that come and go; others are always there with their defaults. */
function isNamedRow(action: string): boolean {
  return action.startsWith('mapping.') || action.startsWith('channel_role.');
}

/** What it was about, with its name when one is known. */
export function subjectWords(entry: AuditEntry): string {
  return entry.subject_name === null ? entry.subject : `${entry.subject_name} (${entry.subject})`;
}

function textField(row: unknown, field: string): string | null {
  const value = typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[field] : null;
  return typeof value === 'string' ? value : null;
}
