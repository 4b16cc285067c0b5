// Changes of one mapping, of two people at once, and of many mappings.

import { expect, test } from 'vitest';
import type { Mapping } from '../../api/types';
import { changedSettings, clashes, concerned, lots, rebased, settingsOf } from './settings_core';

function mapping(change: Partial<Mapping> = {}): Mapping {
  const channel = (channel_id: string) => ({ channel_id, name: 'a', guild_id: null, guild_name: null });
  return {
    mapping_id: 1, source_channel_id: '10', target_channel_id: '20', tier: 0, ping_role_id: null, priority: 0, is_enabled: true, version: 3, created_at_ms: 0, updated_at_ms: 0,
    source: channel('10'), target: channel('20'), ping_role_name: null, state: 'working', trouble: null, ...change,
  };
}

test('only what differs is sent', () => {
  const before = settingsOf(mapping({ filters_json: { has_embed: true, keywords_any: ['a'] } }));
  expect(changedSettings(before, { ...before })).toEqual({});
  expect(changedSettings(before, { ...before, filters_json: { keywords_any: ['a'], has_embed: true } })).toEqual({});
  expect(changedSettings(before, { ...before, tier: 2, filters_json: null })).toEqual({ tier: 2, filters_json: null });
});

test('changes of two people are put together, and a clash is told', () => {
  const base = settingsOf(mapping());
  const mine = { ...base, tier: 2, priority: 5 };
  expect(rebased(base, mine, { ...base, is_enabled: false, priority: 7 })).toEqual({ ...base, tier: 2, priority: 5, is_enabled: false });
  expect(clashes(base, mine, { ...base, is_enabled: false, priority: 7 })).toEqual(['priority']);
  expect(clashes(base, mine, { ...base, tier: 2, priority: 5 })).toEqual([]);
});

test('a change of many is sent for those it changes', () => {
  const many = [mapping(), mapping({ mapping_id: 2, is_enabled: false, version: 9 }), mapping({ mapping_id: 3, ping_role_id: '7', author_style: 'webhook' })];
  expect(concerned(many, { is_enabled: false })).toEqual([{ mapping_id: 1, version: 3 }, { mapping_id: 3, version: 3 }]);
  expect(concerned(many, { ping_role_id: null, author_style: null })).toEqual([{ mapping_id: 3, version: 3 }]);
  expect(concerned(many, { is_enabled: true, tier: 0 })).toEqual([{ mapping_id: 2, version: 9 }]);
  expect(concerned(many, {})).toEqual([]);
});

test('lots', () => {
  expect(lots([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(lots([], 2)).toEqual([]);
});
