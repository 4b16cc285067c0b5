// The feed.

import { expect, test } from 'vitest';
import type { SignalLine } from '../../api/types';
import type { FrameOf } from '../../live/live.svelte';
import { deliveryState, EMPTY_FEED, isAwaited, LINES_MAX, merge, put, release, take } from './feed_core';

const line = (n: number, more: Partial<SignalLine> = {}): SignalLine => ({
  signal_id: String(100 + n), channel_id: 'a', channel_name: 'a', guild_name: null, thread_name: null, author: null, text: '', embeds: 0, attachments: 0, revision: 1, deleted: false,
  created_at_ms: n, committed_at_ms: n, deliveries: { wanted: 0, delivered: 0, dead: 0, dropped: 0 }, ...more,
});
const frame = (one: SignalLine, skipped?: number): FrameOf<'signal'> => ({ type: 'signal', kind: 'create', accepted_at_ms: 0, line: one, skipped });
const ids = (lines: readonly SignalLine[]) => lines.map((one) => one.created_at_ms);
const open = { channel_id: null, is_held: false };

test('newest first, also what comes late; revisions replace, older ones do not', () => {
  let lines = [3, 1, 2].reduce((all, n) => put(all, line(n)), [] as readonly SignalLine[]);
  expect(ids(lines)).toEqual([3, 2, 1]);
  lines = put(lines, line(2, { revision: 3, text: 'new' }));
  lines = put(lines, line(2, { revision: 2, text: 'old' }));
  expect(lines[1]?.text).toBe('new');
});

test('a held list keeps what comes, puts right what stands, and lets go at once', () => {
  let feed = take(EMPTY_FEED, frame(line(1)), open);
  feed = take(feed, frame(line(2)), { channel_id: null, is_held: true });
  feed = take(feed, frame(line(1, { revision: 2, text: 'edit' })), { channel_id: null, is_held: true });
  expect([ids(feed.lines), feed.held.length, feed.lines[0]?.text]).toEqual([[1], 1, 'edit']);
  feed = release(feed);
  expect([ids(feed.lines), feed.held.length]).toEqual([[2, 1], 0]);
});

test('other channels are left out, what was skipped is counted', () => {
  const feed = take(EMPTY_FEED, frame(line(1, { channel_id: 'b' }), 4), { channel_id: 'a', is_held: false });
  expect([feed.lines.length, feed.skipped]).toEqual([0, 4]);
  expect(take(feed, frame(line(2)), { channel_id: 'a', is_held: false }).lines.length).toBe(1);
});

test('the list has an end', () => {
  const lines = Array.from({ length: LINES_MAX + 20 }, (_, n) => n).reduce((all, n) => put(all, line(n)), [] as readonly SignalLine[]);
  expect([lines.length, lines[0]?.created_at_ms]).toEqual([LINES_MAX, LINES_MAX + 19]);
});

test('history joins what came live', () => {
  const merged = merge([line(3), line(2, { revision: 5 })], [line(2, { revision: 4 }), line(1)]);
  expect(ids(merged)).toEqual([3, 2, 1]);
  expect(merged[1]?.revision).toBe(5);
});

test('what is awaited', () => {
  const of = (wanted: number, delivered: number, dead = 0, dropped = 0) => line(1, { deliveries: { wanted, delivered, dead, dropped } });
  expect([[], [of(0, 0)], [of(2, 1, 1)], [of(2, 1)], [of(1, 1), of(1, 0)], [of(1, 0, 0, 1)]].map(isAwaited)).toEqual([false, false, false, true, true, false]);
});

test('how far it got', () => {
  const table: [SignalLine['deliveries'], string][] = [
    [{ wanted: 0, delivered: 0, dead: 0, dropped: 0 }, 'not mirrored'], [{ wanted: 2, delivered: 1, dead: 0, dropped: 0 }, '1 of 2 delivered'],
    [{ wanted: 2, delivered: 2, dead: 0, dropped: 0 }, '2 delivered'], [{ wanted: 2, delivered: 1, dead: 1, dropped: 0 }, '1 of 2 dead'], [{ wanted: 2, delivered: 1, dead: 0, dropped: 1 }, '1 delivered, 1 dropped'],
  ];
  for (const [deliveries, words] of table) expect(deliveryState(line(1, { deliveries })).text).toBe(words);
});
