// What the editor holds and sends.

import { expect, test } from 'vitest';
import { Problem } from '../../api/problem';
import type { Mapping } from '../../api/types';
import { creation, draftFault, draftOf, draftWith, emptyDraft, madeAnyway, refusalOf, settingsOfDraft, stillTrue, type Draft } from './draft_core';
import { settingsOf } from './settings_core';

const MAPPING: Mapping = {
  mapping_id: 1, source_channel_id: '10', target_channel_id: '20', tier: 2, ping_role_id: '7', priority: 30, is_enabled: false, version: 3, created_at_ms: 0, updated_at_ms: 0,
  source: { channel_id: '10', name: 'in', guild_id: '1', guild_name: 'A' }, target: { channel_id: '20', name: 'out', guild_id: '2', guild_name: 'B' }, ping_role_name: 'vip',
  state: 'off', trouble: null, filters_json: { has_embed: true }, author_style: 'webhook',
};

test('a mapping comes back from its draft', () => {
  expect(settingsOfDraft(draftOf(MAPPING))).toEqual(settingsOf(MAPPING));
  const elsewhere = draftWith({ ...settingsOf(MAPPING), target_channel_id: '21', ping_role_id: null }, MAPPING);
  expect([elsewhere.source?.name, elsewhere.target, elsewhere.ping_role_name]).toEqual(['in', null, null]);
});

test('what is missing is said at its field', () => {
  const ready: Draft = { ...emptyDraft(), source_channel_id: '1', target_channel_id: '2' };
  const table: [Partial<Draft>, string | null][] = [
    [{}, null], [{ source_channel_id: null }, 'source_channel_id'], [{ target_channel_id: null }, 'target_channel_id'], [{ tier: null }, 'tier'], [{ tier: 101 }, 'tier'], [{ tier: 1.5 }, 'tier'],
    [{ priority: null }, 'priority'], [{ priority: -3 }, null], [{ rules: { ...ready.rules, text_chars_max: -1 } }, 'filters_json.text_chars_max'],
  ];
  for (const [change, field] of table) expect(draftFault({ ...ready, ...change })?.field ?? null).toBe(field);
});

test('what is made is said without plain rules', () => {
  expect(creation({ ...draftOf(MAPPING), ping_role_id: null }, { last: 5 })).toEqual({
    source_channel_id: '10', target_channel_id: '20', tier: 2, ping_role_id: null, priority: 30, is_enabled: false, filters_json: { has_embed: true }, author_style: 'webhook', start: { last: 5 },
  });
});

test('a mapping that was made without its back-fill is found', () => {
  const said = (status: number, message: string) => madeAnyway(new Problem({ status, code: 'unavailable', message }));
  expect(said(503, 'mapped; run a back-fill again (mapping 12): the database does not answer')).toBe(12);
  expect([said(503, 'stopping'), said(422, 'no (mapping 3)')]).toEqual([null, null]);
});

test('a refusal goes when its field was changed', () => {
  const draft = draftOf(MAPPING);
  const said = (field: string | null, message = 'no') => refusalOf(new Problem({ status: 422, code: 'refused', message, field }), draft);
  const other: Draft = { ...draft, tier: null, rules: { ...draft.rules, regex_any: ['a'] } };
  const table: [ReturnType<typeof said>, boolean][] = [
    [said('tier'), false], [said('filters_json.regex_any[0]'), false], [said(null, 'filters_json.regex_any[0]: bad'), false], [said('priority'), true], [said('transform_json.prefix'), true], [said(null), true], [said('start'), true],
  ];
  for (const [refusal, stays] of table) {
    expect(stillTrue(refusal, draft)).not.toBeNull();
    expect(stillTrue(refusal, other) !== null, refusal?.problem.field ?? refusal?.problem.message).toBe(stays);
  }
  expect(stillTrue(null, draft)).toBeNull();
});
