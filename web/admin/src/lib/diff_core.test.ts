// Before and after.

import { expect, test } from 'vitest';
import { fieldChanges } from './diff_core';

test('only what differs, without what always does', () => {
  const before = { tier: 1, version: 3, is_enabled: true, filters_json: { keywords_any: ['a', 'b'], has_embed: true }, note: null };
  const after = { tier: 2, version: 4, is_enabled: true, filters_json: { keywords_any: ['a'] }, prefix: 'x' };
  expect(fieldChanges(before, after)).toEqual([
    { field: 'tier', before: '1', after: '2' },
    { field: 'filters_json.keywords_any', before: 'a, b', after: 'a' },
    { field: 'filters_json.has_embed', before: 'yes', after: null },
    { field: 'prefix', before: null, after: 'x' },
  ]);
});

test('what is new or gone is told whole', () => {
  expect(fieldChanges(null, { name: 'n', on: false })).toEqual([{ field: 'name', before: null, after: 'n' }, { field: 'on', before: null, after: 'no' }]);
  expect(fieldChanges({ name: 'n' }, undefined)).toEqual([{ field: 'name', before: 'n', after: null }]);
  expect(fieldChanges(null, null)).toEqual([]);
  expect(fieldChanges('a', 'b')).toEqual([{ field: '', before: 'a', after: 'b' }]);
});

test('lists of objects are told entry by entry', () => {
  expect(fieldChanges({ r: [{ from: 'a' }] }, { r: [{ from: 'b' }, { from: 'c' }] })).toEqual([{ field: 'r[0].from', before: 'a', after: 'b' }, { field: 'r[1].from', before: null, after: 'c' }]);
});

test('a moment is written as one', () => {
  expect(fieldChanges({ revoked_at_ms: null, at_ms: 5 }, { revoked_at_ms: 86_400_000, at_ms: 6 }).map(({ field, after }) => [field, after?.slice(0, 8)])).toEqual([['at_ms', '6'], ['revoked_at_ms', '1970-01-']]);
});
