// Order and selection.

import { expect, test } from 'vitest';
import { clicked, nextSort, sorted } from './table_core';

test('rows without a value come last in both orders, numbers in names count, equals keep their place', () => {
  const rows = [{ id: 'a', v: 'x10' }, { id: 'b', v: null }, { id: 'c', v: 'x2' }, { id: 'd', v: 'X2' }];
  expect(sorted(rows, (row) => row.v, false).map((row) => row.id)).toEqual(['c', 'd', 'a', 'b']);
  expect(sorted(rows, (row) => row.v, true).map((row) => row.id)).toEqual(['a', 'c', 'd', 'b']);
  expect(sorted([3, 1, 2], (n) => n, true)).toEqual([3, 2, 1]);
  expect(sorted([true, false], (b) => b, false)).toEqual([false, true]);
});

test('a heading goes up, down, off', () => {
  const up = nextSort(null, 'name');
  expect(up).toEqual({ key: 'name', descending: false });
  expect(nextSort(up, 'name')).toEqual({ key: 'name', descending: true });
  expect(nextSort({ key: 'name', descending: true }, 'name')).toBeNull();
  expect(nextSort(up, 'age')).toEqual({ key: 'age', descending: false });
});

test('shift takes what lies between', () => {
  const keys = ['a', 'b', 'c', 'd'];
  expect(clicked(keys, 'b', 'd', true)).toEqual(['b', 'c', 'd']);
  expect(clicked(keys, 'd', 'b', true)).toEqual(['b', 'c', 'd']);
  expect(clicked(keys, null, 'c', true)).toEqual(['c']);
  expect(clicked(keys, 'gone', 'c', true)).toEqual(['c']);
  expect(clicked(keys, 'a', 'c', false)).toEqual(['c']);
});
