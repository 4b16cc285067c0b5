// Moves, and an order over rows that came and went.

import { expect, test } from 'vitest';
import { isSameOrder, moved, reconciled } from './order_core';

test('moves', () => {
  const table: [number, number, string][] = [[0, 1, 'bacd'], [3, 2, 'abdc'], [0, 3, 'bcda'], [3, 0, 'dabc'], [1, 99, 'acdb'], [2, -5, 'cabd'], [9, 0, 'abcd'], [1, 1, 'abcd']];
  for (const [from, to, expected] of table) expect(moved([...'abcd'], from, to).join(''), `${from} to ${to}`).toBe(expected);
});

test('an order is kept over what came and went', () => {
  const table: [string, string, string][] = [['dcba', 'abcd', 'dcba'], ['dcba', 'abd', 'dba'], ['cab', 'abcx', 'cxab'], ['cab', 'xabc', 'xcab'], ['', 'ab', 'ab']];
  for (const [mine, now, expected] of table) expect(reconciled([...mine], [...now]).join(''), `${mine} over ${now}`).toBe(expected);
  expect([isSameOrder(['a'], ['a']), isSameOrder(['a'], ['b']), isSameOrder(['a'], [])]).toEqual([true, false, false]);
});
