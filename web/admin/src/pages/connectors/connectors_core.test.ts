// How connectors stand.

import { expect, test } from 'vitest';
import type { Connector, Discovery, Pulse } from '../../api/types';
import { appliedWords, connectorState, discoveryWords, isUnderWay, withPulse } from './connectors_core';

const NOW = 1_000_000_000;
const standing = { applied_config_version: 3, is_applied: true, lag_ms: 1, events_per_s: 1, events: 1, batches: 1, rejected: 0, last_batch_at_ms: NOW };
const discovery = (more: Partial<Discovery> = {}): Discovery => ({ version: 2, guild_id: null, guild_name: null, requested_at_ms: 1, picked_up_at_ms: null, answered_at_ms: null, took_ms: null, guilds: null, channels: null, state: 'requested', advice: null, ...more });

test('the state in words', () => {
  const table: [Partial<Connector>, string][] = [
    [{}, 'active'], [{ status: 'paused' }, 'paused'], [{ last_seen_at_ms: null }, 'never_seen'], [{ last_seen_at_ms: NOW - 90_001 }, 'silent'],
    [{ last_seen_at_ms: NOW - 90_000 }, 'active'], [{ ingest_enabled: false }, 'ingest_off'], [{ ingest_enabled: false, last_seen_at_ms: 0 }, 'silent'],
  ];
  for (const [more, expected] of table) expect(connectorState({ status: 'active', ingest_enabled: true, last_seen_at_ms: NOW, ...more }, NOW).state).toBe(expected);
});

test('what is applied', () => {
  expect(appliedWords(standing, 3).tone).toBe('good');
  expect(appliedWords({ ...standing, is_applied: false }, 5).text).toBe('v3 of 5');
  expect(appliedWords({ ...standing, is_applied: false, applied_config_version: null }, 5).text).toBe('not read');
});

test('discovery', () => {
  expect(discoveryWords(discovery()).text).toContain('not picked it up');
  expect(discoveryWords(discovery({ state: 'answered', guilds: 3, took_ms: 2300 })).text).toBe('Guilds: 3 guilds in 2.3 s');
  expect(discoveryWords(discovery({ state: 'answered', guild_id: '7', guild_name: 'Alpha', channels: 1, took_ms: 40 })).text).toBe('Channels of Alpha: 1 channel in 40 ms');
  expect([discovery(), discovery({ state: 'picked_up' }), discovery({ state: 'timed_out' }), null].map(isUnderWay)).toEqual([true, true, false, false]);
});

test('the pulse is newer, but not than what was asked for since', () => {
  const connector = { connector_id: 'c', last_seen_at_ms: 1, discovery: discovery({ version: 3 }), standing } as Connector;
  const pulse = { connectors: [{ connector_id: 'c', status: 'active', last_seen_at_ms: 9, config_version: 1, discovery: discovery({ version: 2, state: 'answered' }), standing: { ...standing, events: 5 } }] } as unknown as Pulse;
  const merged = withPulse(connector, pulse);
  expect([merged.last_seen_at_ms, merged.discovery?.version, merged.standing.events]).toEqual([9, 3, 5]);
  expect(withPulse(connector, null)).toBe(connector);
});
