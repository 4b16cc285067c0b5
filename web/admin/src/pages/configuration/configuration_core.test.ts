// Changes of a file, grouped and counted; refusals and their lines.

import { expect, test } from 'vitest';
import type { ConfigurationChange } from '../../api/types';
import { countWords, exportName, fieldsOf, groups, lineOf, spanOfLine, totals } from './configuration_core';

function change(kind: ConfigurationChange['kind'], action: ConfigurationChange['action'], key: string): ConfigurationChange {
  return { kind, action, key, name: null, fields: [] };
}

test('by kind and by action', () => {
  const changes = [change('mapping', 'remove', 'm2'), change('mapping', 'create', 'm1'), change('connector', 'change', 'c'), change('mapping', 'remove', 'm3')];
  const made = groups(changes);
  expect(made.map((group) => [group.kind, group.changes.map((one) => one.key).join()])).toEqual([['connector', 'c'], ['mapping', 'm1,m2,m3']]);
  expect(made.map((group) => countWords(group.counts))).toEqual(['1 to change', '1 to make, 2 to remove']);
  expect(countWords(totals(changes))).toBe('1 to make, 1 to change, 2 to remove');
  expect([groups([]), totals([])]).toEqual([[], []]);
});

test('fields leaf by leaf', () => {
  const fields = [{ field: 'filters', before: { has_embed: true, min: 1 }, after: { has_embed: true } }, { field: 'tier', before: 1, after: 2 }, { field: 'ping', before: null, after: '7' }];
  expect(fieldsOf({ ...change('mapping', 'change', 'm'), fields })).toEqual([
    { field: 'filters.min', before: '1', after: null }, { field: 'tier', before: '1', after: '2' }, { field: 'ping', before: null, after: '7' },
  ]);
});

test('lines and names', () => {
  expect([lineOf('line 3, column 7: expected a value'), lineOf('no')]).toEqual([3, null]);
  expect([spanOfLine('ab\ncd\ne', 2), spanOfLine('ab', 9), spanOfLine('', 1)]).toEqual([[3, 5], [0, 2], [0, 0]]);
  expect(exportName(new Date(2026, 0, 5))).toBe('heliograph-configuration-2026-01-05.toml');
});
