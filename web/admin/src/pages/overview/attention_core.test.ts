// What needs a look.

import { expect, test } from 'vitest';
import type { Mapping, Pulse, Target } from '../../api/types';
import { concernsOf } from './attention_core';

const NOW = 1_000_000_000;
const pulse = (more: Partial<Pulse> = {}): Pulse => ({
  at_ms: NOW, ready: true, not_ready_reason: null, sessions: 0, accepted_per_s: 0, posted_per_s: 0, backlog: 0, dead_letters: 0, quarantined: 0,
  actors: { count: 3, restarting: 0, parked: 0, deepest: null }, connectors: [], bot: { state: 'ok', reason: null },
  minute: { at_ms: NOW, accepted: 0, posted: 0, screen: null, discord: null }, ...more,
});
const target = (id: string, more: Partial<Target> = {}) => ({ target_channel_id: id, name: `t${id}`, is_paused: false, obstacle: null, state: 'healthy', reason: null, backlog: 0, backlog_since_ms: null, ...more }) as Target;

test('nothing known or nothing wrong is nothing to look at', () => {
  expect(concernsOf(NOW, null, null, null, new Map())).toEqual([]);
  expect(concernsOf(NOW, pulse(), [target('1')], [], new Map())).toEqual([]);
});

test('worst first, each with a place to go', () => {
  const standing = { applied_config_version: 1, is_applied: false, lag_ms: null, events_per_s: 0, events: 0, batches: 0, rejected: 0, last_batch_at_ms: null };
  const found = concernsOf(NOW, pulse({
    quarantined: 2, dead_letters: 1, ready: false, not_ready_reason: 'no database', actors: { count: 3, restarting: 1, parked: 2, deepest: { name: 'x', depth: 8, capacity: 10 } },
    connectors: [{ connector_id: 'c', status: 'active', last_seen_at_ms: 0, config_version: 2, discovery: null, standing }, { connector_id: 'd', status: 'active', last_seen_at_ms: NOW, config_version: 2, discovery: null, standing }],
  }), [target('1', { obstacle: 'no permission', backlog: 3, backlog_since_ms: NOW - 60_000 }), target('2', { is_paused: true })], [{ mapping_id: 5, source: { name: 'a' }, target: { name: null }, target_channel_id: '9', trouble: 'gone' } as unknown as Mapping], new Map([['c', 'Floor']]));
  expect(found.map((one) => one.key)).toEqual(['ready', 'parked', 'dead', 'silent-c', 'target-1', 'mapping-5', 'restarting', 'deepest', 'quarantined', 'config-d']);
  expect(found.find((one) => one.key === 'silent-c')?.text).toBe('Connector Floor is silent');
  expect(found.find((one) => one.key === 'target-1')?.detail).toBe('3 deliveries waiting since 1 min');
});

test('many targets in trouble are told in one line more', () => {
  const found = concernsOf(NOW, null, Array.from({ length: 9 }, (_, i) => target(String(i), { state: 'failing' })), null, new Map());
  expect([found.length, found.at(-1)?.text]).toEqual([5, '5 more targets in trouble']);
});
