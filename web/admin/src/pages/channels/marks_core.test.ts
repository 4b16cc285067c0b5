// Marks of channels.

import { expect, test } from 'vitest';
import type { ChannelRole, TreeChannel } from '../../api/types';
import { isChange, isMarked, roleWith } from './marks_core';

const channel = (role: Partial<ChannelRole> | null): TreeChannel => ({
  channel_id: '7', name: 'c', kind: 0, parent_id: null, position: 0, seen_at_ms: 0, gone_at_ms: null, mappings: 0,
  role: role === null ? null : { connector_id: 'x', channel_id: '7', guild_id: 'g', is_source: false, is_target: false, is_enabled: false, thread_mode: 'include', version: 4, ...role },
});

test('the first mark enables, later ones leave it as it is, the last one gone disables', () => {
  expect(roleWith(channel(null), 'g', { is_source: true })).toEqual({ channel_id: '7', guild_id: 'g', is_source: true, is_target: false, is_enabled: true, thread_mode: 'include' });
  expect(roleWith(channel({ is_source: true, is_enabled: false }), 'g', { is_target: true })).toMatchObject({ is_source: true, is_target: true, is_enabled: false, version: 4 });
  expect(roleWith(channel({ is_source: true, is_enabled: true }), 'g', { is_source: false })).toMatchObject({ is_source: false, is_enabled: false });
  expect(roleWith(channel({ is_source: true, is_enabled: true }), 'g', { is_enabled: false })).toMatchObject({ is_source: true, is_enabled: false });
  expect(roleWith(channel({ is_source: true, is_enabled: true, thread_mode: 'only' }), 'g', {})).toMatchObject({ thread_mode: 'only' });
});

test('what changes nothing is not sent', () => {
  const marked = channel({ is_source: true, is_enabled: true });
  expect(isChange(marked, roleWith(marked, 'g', { is_source: true }))).toBe(false);
  expect(isChange(marked, roleWith(marked, 'g', { thread_mode: 'only' }))).toBe(true);
  expect(isChange(channel(null), roleWith(channel(null), 'g', { thread_mode: 'only' }))).toBe(false);
  expect([isMarked(marked), isMarked(channel(null)), isMarked(channel({}))]).toEqual([true, false, false]);
});
