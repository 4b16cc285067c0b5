// The window over a merged feed: where it ends, how it grows and slides, and the saved copy of the feed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyChannels, applyFrame, applyOlder, applySnapshot, attaching, newFeed } from '../live/feed_core.js';
import { restoreFeed, saveFeed } from '../live/saved_core.js';
import { olderView, windowOf } from '../live/window_core.js';

const ALL = { channel_id: null, anchor_id: null, size: 100 };

function signal(id, channel_id) {
  return { signal_id: String(id), channel_id, guild_id: '1', revision: 1, created_at_ms: 0, deleted: false, text: `t${id}`, embeds: [], attachments: [] };
}

/** Two channels: `busy` known from 200 on, `quiet` known from 50 on with one signal above 200. */
function twoChannels() {
  const feed = newFeed();
  applyChannels(feed, ['busy', 'quiet'].map((channel_id) => ({ channel_id, name: channel_id, guild_id: '1', guild_name: 'g' })));
  applySnapshot(feed, 'busy', { cursor: { epoch: 1, seq: 9 }, signals: [230, 220, 210, 200].map((id) => signal(id, 'busy')), next_before: '200' });
  applySnapshot(feed, 'quiet', { cursor: { epoch: 1, seq: 3 }, signals: [225, 90, 50].map((id) => signal(id, 'quiet')), next_before: '50' });
  return feed;
}

test('a merged view ends where the first channel is not known any further', () => {
  const feed = twoChannels();
  assert.deepEqual(windowOf(feed, ALL), { ids: ['230', '225', '220', '210', '200'], newer: 0, more: false, older: [{ channel_id: 'busy', before: '200' }] });
  assert.deepEqual(windowOf(feed, { ...ALL, channel_id: 'quiet' }).ids, ['225', '90', '50']);
  applyOlder(feed, 'busy', '200', { signals: [signal(120, 'busy'), signal(40, 'busy')], next_before: null });
  assert.deepEqual(windowOf(feed, ALL), { ids: ['230', '225', '220', '210', '200', '120', '90', '50'], newer: 0, more: false, older: [{ channel_id: 'quiet', before: '50' }] });
  applyOlder(feed, 'quiet', '50', { signals: [], next_before: null });
  assert.deepEqual([windowOf(feed, ALL).ids.at(-1), windowOf(feed, ALL).older], ['40', []]);
});

test('the deletion of a signal never shown stays unseen', () => {
  const feed = twoChannels();
  attaching(feed, ['busy']);
  applyFrame(feed, { type: 'attached', channels: [{ channel_id: 'busy', status: 'resumed', epoch: 1, seq: 9 }] });
  applyFrame(feed, { type: 'revision', channel_id: 'busy', epoch: 1, seq: 10, kind: 'delete', late: false, accepted_at_ms: 0, signal: { ...signal(205, 'busy'), revision: 2, deleted: true } });
  assert.equal(windowOf(feed, ALL).ids.includes('205'), false);
});

test('the window grows to its limit, then slides, and counts what is above', () => {
  const feed = newFeed();
  applyChannels(feed, [{ channel_id: 'c', name: 'c', guild_id: '1', guild_name: 'g' }]);
  const ids = Array.from({ length: 500 }, (_, i) => 1500 - i);
  applySnapshot(feed, 'c', { cursor: { epoch: 1, seq: 1 }, signals: ids.map((id) => signal(id, 'c')), next_before: null });
  let view = ALL;
  const seen = [];
  for (let press = 0; press < 4; press += 1) {
    view = olderView(feed, view, 100, 300);
    const { ids: shown, newer } = windowOf(feed, view);
    seen.push([shown[0], shown.length, newer]);
  }
  assert.deepEqual(seen, [['1500', 200, 0], ['1500', 300, 0], ['1400', 300, 100], ['1300', 300, 200]]);
  assert.deepEqual(windowOf(feed, view).ids.at(-1), '1001');
});

test('a saved feed comes back for the same viewer, detached and with its cursors', () => {
  const feed = twoChannels();
  const text = saveFeed(feed, 'a/1');
  const restored = restoreFeed(text, 'a/1');
  assert.deepEqual(restored.order, feed.order);
  assert.deepEqual(attaching(restored, ['busy', 'quiet']), [
    { channel_id: 'busy', cursor: { epoch: 1, seq: 9 } }, { channel_id: 'quiet', cursor: { epoch: 1, seq: 3 } },
  ]);
  assert.deepEqual(windowOf(restored, ALL), windowOf(feed, ALL));
  for (const bad of [restoreFeed(text, 'b/1'), restoreFeed(null, 'a/1'), restoreFeed('{', 'a/1'), restoreFeed('{"format":0}', 'a/1')]) assert.equal(bad, null);
});

test('a channel with a hole is not saved as whole, and what is left out can be asked for', () => {
  const feed = twoChannels();
  feed.channels.get('quiet').phase = 'loading';
  const restored = restoreFeed(saveFeed(feed, 'a/1'), 'a/1');
  assert.deepEqual([[...restored.channels.keys()], restored.order.includes('225')], [['busy'], false]);

  const large = newFeed();
  applyChannels(large, [{ channel_id: 'c', name: 'c', guild_id: '1', guild_name: 'g' }]);
  applySnapshot(large, 'c', { cursor: { epoch: 1, seq: 1 }, signals: Array.from({ length: 700 }, (_, i) => signal(2000 - i, 'c')), next_before: null });
  const cut = restoreFeed(saveFeed(large, 'a/1'), 'a/1');
  assert.deepEqual([cut.order.length, cut.order.at(-1), cut.channels.get('c').covered_from], [600, '1401', '1401']);
});
