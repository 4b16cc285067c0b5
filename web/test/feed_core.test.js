// The feed: snapshots and frames in, state and outcomes out. The random test plays a server that loses, repeats and restarts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyChannels, applyFrame, applyOlder, applySnapshot, attaching, compareIds, disconnected, newFeed, trimOldest } from '../live/feed_core.js';

const CHANNEL = { channel_id: '10', name: 'levels', guild_id: '1', guild_name: 'Desk' };

function signal(id, revision = 1, more = {}) {
  return { signal_id: String(id), channel_id: '10', guild_id: '1', revision, created_at_ms: 1000 + Number(id), deleted: false, text: `text ${id} r${revision}`, embeds: [], attachments: [], ...more };
}

function frame(seq, kind, of, more = {}) {
  return { type: 'revision', channel_id: '10', epoch: 1, seq, kind, late: false, accepted_at_ms: 0, signal: of, ...more };
}

function gone(id, revision) {
  return signal(id, revision, { deleted: true, text: '' });
}

/** A feed whose one channel is live at seq 5 with the signals 100, 101 and 102. */
function liveFeed() {
  const feed = newFeed();
  assert.deepEqual(applyChannels(feed, [CHANNEL]), [{ type: 'load', channel_id: '10', detach: false, reason: 'new' }]);
  const outcomes = applySnapshot(feed, '10', { cursor: { epoch: 1, seq: 5 }, signals: [signal(102), signal(101), signal(100)], next_before: '100' });
  assert.deepEqual(outcomes.at(-1), { type: 'attach', channel_ids: ['10'] });
  assert.deepEqual(attaching(feed, ['10']), [{ channel_id: '10', cursor: { epoch: 1, seq: 5 } }]);
  applyFrame(feed, { type: 'attached', channels: [{ channel_id: '10', status: 'resumed', epoch: 1, seq: 5 }] });
  assert.deepEqual(applyFrame(feed, { type: 'live', channel_id: '10', epoch: 1, seq: 5 }), [{ type: 'live', channel_id: '10' }]);
  return feed;
}

const types = (outcomes) => outcomes.map((outcome) => outcome.type);

test('snowflakes compare as numbers, not as words', () => {
  const table = [['9', '10', -1], ['10', '9', 1], ['123', '123', 0], ['1308120000000000044', '1308120000000000031', 1]];
  for (const [a, b, sign] of table) assert.equal(Math.sign(compareIds(a, b)), sign, `${a} ${b}`);
});

test('a create, an edit and a deletion change the feed and the cursor', () => {
  const feed = liveFeed();
  assert.deepEqual(applyFrame(feed, frame(6, 'create', signal(103)), 12), [{ type: 'created', channel_id: '10', signal_id: '103', live: true, late: false }]);
  assert.equal(feed.entries.get('103').latency_ms, 12);
  assert.deepEqual(types(applyFrame(feed, frame(7, 'update', signal(101, 2)))), ['updated']);
  assert.equal(feed.entries.get('101').signal.text, 'text 101 r2');
  assert.deepEqual(types(applyFrame(feed, frame(8, 'delete', gone(100, 2)))), ['deleted']);
  assert.deepEqual([feed.entries.get('100').signal.deleted, feed.entries.get('100').signal.text], [true, 'text 100 r1']);
  assert.deepEqual(feed.order, ['103', '102', '101', '100']);
  assert.deepEqual(feed.channels.get('10').cursor, { epoch: 1, seq: 8 });
  assert.equal(feed.channels.get('10').unread, 1);
});

test('a late create takes its place by time and is marked', () => {
  const feed = liveFeed();
  applySnapshot(feed, '10', { cursor: { epoch: 1, seq: 5 }, signals: [signal(110), signal(100)], next_before: '100' });
  attaching(feed, ['10']);
  applyFrame(feed, { type: 'attached', channels: [{ channel_id: '10', status: 'resumed', epoch: 1, seq: 5 }] });
  applyFrame(feed, frame(6, 'create', signal(105), { late: true }));
  assert.deepEqual(feed.order, ['110', '105', '100']);
  assert.equal(feed.entries.get('105').late, true);
});

test('a frame that came before is a double and changes nothing', () => {
  const feed = liveFeed();
  applyFrame(feed, frame(6, 'create', signal(103)));
  const before = structuredClone(feed);
  assert.deepEqual(types(applyFrame(feed, frame(6, 'create', signal(103)))), ['double']);
  assert.deepEqual(types(applyFrame(feed, frame(3, 'update', signal(102, 9)))), ['double']);
  assert.deepEqual(feed, before);
});

test('a hole asks for the signals and ignores frames until they are there', () => {
  for (const hole of [frame(7, 'create', signal(104)), frame(6, 'create', signal(104), { epoch: 2 })]) {
    const feed = liveFeed();
    assert.deepEqual(applyFrame(feed, hole), [{ type: 'load', channel_id: '10', detach: true, reason: 'hole' }]);
    assert.deepEqual(applyFrame(feed, frame(8, 'create', signal(105))), []);
    assert.deepEqual(feed.order, ['102', '101', '100']);
    applySnapshot(feed, '10', { cursor: { epoch: 1, seq: 8 }, signals: [105, 104, 103, 102].map((id) => signal(id)), next_before: '102' });
    assert.deepEqual(feed.order, ['105', '104', '103', '102']);
    assert.equal(feed.channels.get('10').unread, 3);
  }
});

test('a head that differs at the end of the replay is a hole too', () => {
  const feed = liveFeed();
  feed.channels.get('10').phase = 'replaying';
  assert.deepEqual(types(applyFrame(feed, { type: 'live', channel_id: '10', epoch: 1, seq: 6 })), ['load']);
});

test('resync_required loads again without a detach, forbidden and hidden take the channel away', () => {
  const resync = liveFeed();
  disconnected(resync);
  attaching(resync, ['10']);
  const answer = (status) => ({ type: 'attached', channels: [{ channel_id: '10', status, epoch: 2, seq: 1 }] });
  assert.deepEqual(applyFrame(resync, answer('resync_required')), [{ type: 'load', channel_id: '10', detach: false, reason: 'resync' }]);
  const forbidden = liveFeed();
  disconnected(forbidden);
  attaching(forbidden, ['10']);
  assert.deepEqual(types(applyFrame(forbidden, answer('forbidden'))), ['removed']);
  const hidden = liveFeed();
  assert.deepEqual(applyFrame(hidden, { type: 'detached', channel_id: '10', reason: 'asked' }), []);
  assert.deepEqual(types(applyFrame(hidden, { type: 'detached', channel_id: '10', reason: 'hidden' })), ['removed']);
  for (const feed of [forbidden, hidden]) assert.deepEqual([feed.order.length, feed.entries.size, feed.channels.size], [0, 0, 0]);
});

test('welcome attaches what has a cursor, loads what is new, drops what is gone', () => {
  const feed = liveFeed();
  const other = { ...CHANNEL, channel_id: '20', name: 'other' };
  const outcomes = applyFrame(feed, { type: 'welcome', protocol: 1, session_id: 's', server_time_ms: 0, heartbeat_ms: 1, channels: [CHANNEL, other] });
  assert.deepEqual(outcomes, [{ type: 'load', channel_id: '20', detach: false, reason: 'new' }, { type: 'attach', channel_ids: ['10'] }]);
  assert.deepEqual(types(applyFrame(feed, { type: 'welcome', protocol: 1, session_id: 's', server_time_ms: 0, heartbeat_ms: 1, channels: [other] })), ['removed']);
});

test('an older page joins by revision and never brings a deleted signal back', () => {
  const feed = liveFeed();
  applyFrame(feed, frame(6, 'delete', gone(50, 2)));
  applyFrame(feed, frame(7, 'update', signal(51, 3)));
  applyOlder(feed, '10', '100', { signals: [signal(52), signal(51, 2), signal(50, 1)], next_before: '50' });
  assert.deepEqual(feed.order, ['102', '101', '100', '52', '51', '50']);
  assert.equal(feed.entries.get('51').signal.revision, 3);
  assert.deepEqual([feed.entries.get('50').signal.deleted, feed.entries.get('50').unseen], [true, false]);
  assert.deepEqual(applyOlder(feed, '10', '100', { signals: [signal(1)], next_before: null }), [], 'a page that no longer joins');
  assert.equal(feed.channels.get('10').covered_from, '50');
});

test('a frame older than what a page already brought only moves the cursor', () => {
  const feed = liveFeed();
  applyOlder(feed, '10', '100', { signals: [signal(90, 4)], next_before: '90' });
  assert.deepEqual(applyFrame(feed, frame(6, 'update', signal(90, 3))), []);
  assert.equal(feed.entries.get('90').signal.revision, 4);
  assert.equal(feed.channels.get('10').cursor.seq, 6);
});

test('trimming moves the border of what is known, so that the rest can be asked for again', () => {
  const feed = liveFeed();
  feed.channels.get('10').covered_from = null;
  trimOldest(feed, 2);
  assert.deepEqual(feed.order, ['102', '101']);
  assert.equal(feed.channels.get('10').covered_from, '101');
  applyOlder(feed, '10', '101', { signals: [signal(100)], next_before: null });
  assert.deepEqual(feed.order, ['102', '101', '100']);
});

/** A small generator with a seed, so that a failure can be played again. */
function randomOf(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A server of one channel that commits, and a line that loses, repeats and breaks. */
class Server {
  constructor() {
    this.signals = new Map();
    this.log = [];
    this.nextId = 1000;
  }

  commit(random) {
    const ids = [...this.signals.keys()];
    const kind = ids.length === 0 || random(3) === 0 ? 'create' : ['update', 'delete'][random(2)];
    const id = kind === 'create' ? String(this.nextId++) : ids[random(ids.length)];
    const before = this.signals.get(id);
    if (before?.deleted) return;
    const revision = (before?.revision ?? 0) + 1;
    const now = kind === 'delete' ? { ...before, revision, deleted: true } : signal(id, revision);
    this.signals.set(id, now);
    this.log.push(frame(this.log.length + 1, kind, kind === 'delete' ? gone(id, revision) : now));
  }

  page() {
    const newest = [...this.signals.values()].sort((a, b) => compareIds(b.signal_id, a.signal_id));
    return { cursor: { epoch: 1, seq: this.log.length }, signals: structuredClone(newest), next_before: null };
  }
}

test('whatever the line does, the page ends equal to the server', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomOf(seed);
    const server = new Server();
    const feed = newFeed();
    let sent = 0;
    const settle = () => {
      const channel = feed.channels.get('10');
      if (channel === undefined) applyChannels(feed, [CHANNEL]);
      else if (channel.phase === 'loading') applySnapshot(feed, '10', server.page());
      else if (channel.phase === 'ready') {
        sent = attaching(feed, ['10'])[0].cursor.seq;
        applyFrame(feed, { type: 'attached', channels: [{ channel_id: '10', status: 'resumed', epoch: 1, seq: server.log.length }] });
      }
    };
    for (let step = 0; step < 120; step += 1) {
      const choice = random(10);
      if (choice < 5) server.commit(random);
      else if (choice === 5) settle();
      else if (choice === 6) disconnected(feed);
      else if (sent < server.log.length) {
        if (choice !== 7) applyFrame(feed, server.log[sent]);
        if (choice === 9 && sent > 0) applyFrame(feed, server.log[random(sent)]);
        sent += 1;
      }
    }
    for (let round = 0; round < 4; round += 1) {
      settle();
      while (feed.channels.get('10').phase === 'replaying' && sent < server.log.length) applyFrame(feed, server.log[sent++]);
      if (feed.channels.get('10').phase === 'replaying') applyFrame(feed, { type: 'live', channel_id: '10', epoch: 1, seq: server.log.length });
    }
    const expected = server.page().signals;
    assert.deepEqual(feed.order, expected.map((s) => s.signal_id), `order, seed ${seed}`);
    for (const s of expected) {
      const { revision, deleted } = feed.entries.get(s.signal_id).signal;
      assert.deepEqual({ revision, deleted }, { revision: s.revision, deleted: s.deleted }, `signal ${s.signal_id}, seed ${seed}`);
    }
    assert.equal(feed.channels.get('10').cursor.seq, server.log.length, `cursor, seed ${seed}`);
  }
});
