// What the audit says, and what an undo would bring back.

import { expect, test } from 'vitest';
import type { AuditEntry } from '../../api/types';
import { actionWords, batches, subjectHref, undoFacts } from './audit_core';

function entry(change: Partial<AuditEntry>): AuditEntry {
  return { audit_id: 1, at_ms: 0, actor: 'admin', action: 'mapping.change', subject: '7', subject_name: null, before: null, after: null, group_id: null, undoes: null, undone_by: null, can_undo: true, ...change };
}

test('actions have words', () => {
  expect([actionWords('mapping.change'), actionWords('some_thing.made_new')]).toEqual(['changed a mapping', 'some thing: made new']);
});

test('a subject leads to its page', () => {
  const table: [Partial<AuditEntry>, string | null][] = [
    [{}, '/mappings/7'], [{ action: 'mapping.remove' }, null], [{ action: 'connector.rotate', subject: 'a/b' }, '/connectors/a%2Fb'],
    [{ action: 'channel_role.put', subject: 'field-7/99', after: { guild_id: '5' } }, '/connectors/field-7/guilds/5'], [{ action: 'channel_role.put', subject: 'field-7/99' }, '/connectors/field-7'],
    [{ action: 'target.pause', subject: '20' }, '/targets/20'], [{ action: 'channel.visibility', subject: '10' }, '/channels?q=10'], [{ action: 'delivery.drop', subject: '3 deliveries' }, '/dead-letters'],
    [{ action: 'else.what' }, null],
  ];
  for (const [change, href] of table) expect(subjectHref(entry(change)), change.action).toBe(href);
});

test('what was made together stands together', () => {
  const made = batches([entry({ audit_id: 5, group_id: 3 }), entry({ audit_id: 4, group_id: 3 }), entry({ audit_id: 3 }), entry({ audit_id: 2 }), entry({ audit_id: 1, group_id: 3 })]);
  expect(made.map((batch) => batch.entries.map((one) => one.audit_id))).toEqual([[5, 4], [3], [2], [1]]);
});

test('an undo says what comes back', () => {
  const table: [Partial<AuditEntry>, string[]][] = [
    [{ before: { tier: 1, version: 3, filters_json: null }, after: { tier: 3, version: 4, filters_json: { has_embed: true } } }, ['tier: 3 → 1', 'filters_json.has_embed: yes → nothing']],
    [{ action: 'mapping.create', after: { tier: 1 } }, ['what was made is removed']],
    [{ action: 'mapping.remove', before: { tier: 1 } }, ['what was removed comes back as it was']],
    [{ action: 'target.pause', before: { is_paused: false }, after: { is_paused: true } }, ['is_paused: yes → no']],
    [{ action: 'channel.visibility', after: { min_tier: 2 } }, ['min_tier: 2 → nothing']],
  ];
  for (const [change, facts] of table) expect(undoFacts(entry(change)), change.action).toEqual(facts);
});
