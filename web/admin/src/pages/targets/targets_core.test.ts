// Order, filters and live changes of targets.

import { expect, test } from 'vitest';
import type { Target } from '../../api/types';
import { compareIds, idBefore, isInTrouble, isShown, latencies, merged, rank, reasons, type Which } from './targets_core';

function target(change: Partial<Target> = {}): Target {
  return {
    target_channel_id: '20', name: 'mirror', guild_id: '9', guild_name: 'Room', is_target: true, is_paused: false, version: 1, obstacle: null, inspected_at_ms: null, mappings: 1, backlog: 0,
    backlog_is_more: false, backlog_since_ms: null, dead_letters: 0, dead_letters_are_more: false, state: 'healthy', reason: null, limited_until_ms: null,
    latency: { create: null, edit: null, delete: null }, ...change,
  };
}

test('what a person has to look at comes first', () => {
  const order = [
    target({ state: 'stopped' }), target({ state: 'parked' }), target({ state: 'failing' }), target({ obstacle: 'x' }), target({ dead_letters: 1 }), target({ state: 'limited' }),
    target({ state: 'paused', is_paused: true }), target({ state: 'not_running' }), target({ backlog: 3 }), target(),
  ];
  expect(order.map(rank)).toEqual([...order.map(rank)].sort((a, b) => a - b));
  expect(order.map(isInTrouble)).toEqual([true, true, true, true, true, false, false, false, false, false]);
  expect(isInTrouble(target({ obstacle: 'x', mappings: 0 }))).toBe(false);
});

test('filters', () => {
  const table: [Partial<Target>, Which, string, boolean][] = [
    [{}, 'all', '', true], [{}, 'all', '#MIRR', true], [{}, 'all', 'room', true], [{}, 'all', '20', true], [{}, 'all', '2', false], [{}, 'healthy', '', true], [{ dead_letters: 1 }, 'healthy', '', false],
    [{ backlog: 1 }, 'waiting', '', true], [{ is_paused: true }, 'paused', '', true], [{}, 'paused', '', false], [{ state: 'failing' }, 'trouble', 'else', false],
  ];
  for (const [change, which, q, shown] of table) expect(isShown(target(change), which, q), `${which} ${q}`).toBe(shown);
});

test('a frame changes what it names', () => {
  const now = merged([target(), target({ target_channel_id: '30' })], [target({ backlog: 5 }), target({ target_channel_id: '9' })]);
  expect(now.map((one) => [one.target_channel_id, one.backlog])).toEqual([['9', 0], ['20', 5], ['30', 0]]);
  expect(merged([target({ version: 3 })], [target({ version: 2, backlog: 5 })])[0]?.backlog).toBe(0);
});

test('words and ids', () => {
  expect(reasons(target({ reason: 'a', obstacle: 'a' }))).toEqual(['a']);
  expect(latencies(target({ latency: { create: { count: 2, p50_ms: 1, p95_ms: 2, p99_ms: 3 }, edit: { count: 0, p50_ms: 0, p95_ms: 0, p99_ms: 0 }, delete: null } })).map((one) => one.kind)).toEqual(['create']);
  expect([compareIds('9', '10') < 0, compareIds('11', '10') > 0, idBefore('1100000000000000000')]).toEqual([true, true, '1099999999999999999']);
});
