// A change of many holds what was chosen, and nothing else.

import { expect, test } from 'vitest';
import { Problem } from '../../api/problem';
import { bulkChange, changeProblem, itemAtFault, onlyGuild, PARTS, type BulkForm } from './bulk_core';
import { formOf } from './rules_form_core';

const FORM: BulkForm = { chosen: [], tier: 2, priority: 5, ping_role_id: null, rules: formOf({ filters_json: { has_embed: true }, author_style: 'webhook' }) };

test('only what was chosen', () => {
  expect(bulkChange(FORM)).toEqual({});
  expect(bulkChange({ ...FORM, chosen: ['tier', 'ping'] })).toEqual({ tier: 2, ping_role_id: null });
  expect(bulkChange({ ...FORM, chosen: ['filters', 'transform', 'author_style'] })).toEqual({ filters_json: { has_embed: true }, transform_json: null, author_style: 'webhook' });
  expect(Object.keys(bulkChange({ ...FORM, chosen: PARTS }))).toHaveLength(8);
});

test('roles are of one guild', () => {
  expect([onlyGuild(['1', '1']), onlyGuild(['1', '2']), onlyGuild(['1', null]), onlyGuild([])]).toEqual(['1', null, null, null]);
});

test('a refusal names a field of the form or an item', () => {
  const said = (field: string | null) => new Problem({ status: 422, code: 'refused', message: 'no', field });
  expect(changeProblem(said('change.filters_json.regex_any[0]'))?.field).toBe('filters_json.regex_any[0]');
  expect([changeProblem(said('items[3]'))?.field, changeProblem(said(null))?.field, changeProblem(null)]).toEqual(['items[3]', null, null]);
  expect([itemAtFault(said('items[3].version')), itemAtFault(said('items')), itemAtFault(said('change.tier')), itemAtFault(null)]).toEqual([3, null, null, null]);
});
