// @ts-check
// What the page knows: channels with their cursors, and signals in order. Applies snapshots and frames, finds holes and
// doubles, and says what changed and what must be asked for. Knows no socket, no DOM and no clock.

/**
 * @typedef {import('../protocol').Signal} Signal
 * @typedef {import('../protocol').ServerFrame} ServerFrame
 * @typedef {{ epoch: number, seq: number }} Cursor
 * @typedef {{ channel_id: string, name: string, guild_id: string, guild_name: string }} ChannelInfo
 *
 * `loading`: its signals are being fetched; `ready`: has a cursor, not attached;
 * `attaching`, `replaying`, `live`: as the protocol has it.
 * @typedef {'loading' | 'ready' | 'attaching' | 'replaying' | 'live'} Phase
 *
 * `covered_from`: every signal with an id at or above it is known; null when the channel is known to its beginning.
 * @typedef {ChannelInfo & { phase: Phase, cursor: Cursor | null, covered_from: string | null, unread: number }} Channel
 *
 * `unseen`: a deletion of a signal that was never shown, kept only so that an older page cannot bring it back.
 * `change`: grows with every change of this entry.
 * @typedef {{ signal: Signal, late: boolean, latency_ms: number | null, unseen: boolean, change: number }} Entry
 *
 * @typedef {{ channels: Map<string, Channel>, entries: Map<string, Entry>, order: string[], changes: number }} Feed
 *
 * @typedef {{ type: 'created' | 'updated' | 'deleted', channel_id: string, signal_id: string, live: boolean, late: boolean }
 *   | { type: 'load', channel_id: string, detach: boolean, reason: 'new' | 'hole' | 'resync' }
 *   | { type: 'attach', channel_ids: string[] }
 *   | { type: 'double' | 'live' | 'snapshot' | 'removed', channel_id: string }} Outcome
 */

/** @returns {Feed} `order` is newest first */
export function newFeed() {
  return { channels: new Map(), entries: new Map(), order: [], changes: 0 };
}

/**
 * Snowflakes as decimal strings: negative when a is older than b.
 * @param {string} a
 * @param {string} b
 */
export function compareIds(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}

/**
 * Takes the list of channels the viewer may see now: new ones are to be loaded, missing ones go with their signals.
 * @param {Feed} feed
 * @param {ChannelInfo[]} channels
 * @returns {Outcome[]}
 */
export function applyChannels(feed, channels) {
  /** @type {Outcome[]} */
  const outcomes = [];
  const visible = new Set(channels.map((channel) => channel.channel_id));
  for (const id of [...feed.channels.keys()]) {
    if (!visible.has(id)) outcomes.push(removeChannel(feed, id));
  }
  for (const { channel_id, name, guild_id, guild_name } of channels) {
    const known = feed.channels.get(channel_id);
    if (known !== undefined) {
      Object.assign(known, { name, guild_id, guild_name });
    } else {
      feed.channels.set(channel_id, {
        channel_id, name, guild_id, guild_name, phase: 'loading', cursor: null, covered_from: null, unread: 0,
      });
      outcomes.push({ type: 'load', channel_id, detach: false, reason: 'new' });
    }
  }
  return outcomes;
}

/**
 * The newest signals of a channel with the cursor of the same moment. Replaces what was known of the channel: after a
 * hole any of it may be stale.
 * @param {Feed} feed
 * @param {string} channel_id
 * @param {{ cursor: Cursor, signals: Signal[], next_before: string | null }} page
 * @returns {Outcome[]}
 */
export function applySnapshot(feed, channel_id, page) {
  const channel = feed.channels.get(channel_id);
  if (channel === undefined) return [];
  const kept = new Map();
  for (const id of idsOfChannel(feed, channel_id)) kept.set(id, feed.entries.get(id));
  const newestKnown = [...kept.keys()][0];
  forget(feed, new Set(kept.keys()));
  for (const signal of page.signals) {
    const before = kept.get(signal.signal_id);
    put(feed, signal, { late: before?.late ?? false, latency_ms: before?.latency_ms ?? null, unseen: false });
    if (newestKnown !== undefined && before === undefined && compareIds(signal.signal_id, newestKnown) > 0) channel.unread += 1;
  }
  channel.cursor = { epoch: page.cursor.epoch, seq: page.cursor.seq };
  channel.covered_from = page.next_before;
  channel.phase = 'ready';
  return [{ type: 'snapshot', channel_id }, { type: 'attach', channel_ids: [channel_id] }];
}

/**
 * An older page. Its moment is not the cursor's, so for a signal known already the greater revision stays.
 * @param {Feed} feed
 * @param {string} channel_id
 * @param {string} before the `before` it was asked with; a page that no longer joins what is known is dropped
 * @param {{ signals: Signal[], next_before: string | null }} page
 * @returns {Outcome[]}
 */
export function applyOlder(feed, channel_id, before, page) {
  const channel = feed.channels.get(channel_id);
  if (channel === undefined || channel.covered_from !== before) return [];
  for (const signal of page.signals) {
    const known = feed.entries.get(signal.signal_id);
    if (known === undefined) put(feed, signal, { late: false, latency_ms: null, unseen: false });
    else if (known.unseen) Object.assign(known, { signal: { ...signal, deleted: true }, unseen: false, change: nextChange(feed) });
    else if (signal.revision > known.signal.revision) put(feed, signal, known);
  }
  channel.covered_from = page.next_before;
  return [{ type: 'snapshot', channel_id }];
}

/**
 * One frame of the server. `error` and `heartbeat` change nothing here.
 * @param {Feed} feed
 * @param {ServerFrame} frame
 * @param {number | null} latency_ms of a live revision, measured by the caller
 * @returns {Outcome[]}
 */
export function applyFrame(feed, frame, latency_ms = null) {
  switch (frame.type) {
    case 'welcome': return welcome(feed, frame.channels);
    case 'attached': return frame.channels.flatMap((channel) => attached(feed, channel));
    case 'revision': return revision(feed, frame, latency_ms);
    case 'live': return live(feed, frame);
    case 'detached': return frame.reason === 'hidden' && feed.channels.has(frame.channel_id) ? [removeChannel(feed, frame.channel_id)] : [];
    default: return [];
  }
}

/** The socket is gone: every cursor stays, nothing is attached. @param {Feed} feed */
export function disconnected(feed) {
  for (const channel of feed.channels.values()) {
    if (channel.phase === 'attaching' || channel.phase === 'replaying' || channel.phase === 'live') channel.phase = 'ready';
  }
}

/**
 * These channels were asked for with `attach`; returns what to send of each. Channels that are not ready are left out.
 * @param {Feed} feed
 * @param {string[]} channel_ids
 * @returns {{ channel_id: string, cursor: Cursor }[]}
 */
export function attaching(feed, channel_ids) {
  const asked = [];
  for (const channel_id of channel_ids) {
    const channel = feed.channels.get(channel_id);
    if (channel === undefined || channel.phase !== 'ready' || channel.cursor === null) continue;
    channel.phase = 'attaching';
    asked.push({ channel_id, cursor: { ...channel.cursor } });
  }
  return asked;
}

/** @param {Feed} feed @param {ChannelInfo[]} channels @returns {Outcome[]} */
function welcome(feed, channels) {
  disconnected(feed);
  const outcomes = applyChannels(feed, channels);
  const ready = [...feed.channels.values()].filter((channel) => channel.phase === 'ready').map((channel) => channel.channel_id);
  if (ready.length > 0) outcomes.push({ type: 'attach', channel_ids: ready });
  return outcomes;
}

/**
 * @param {Feed} feed
 * @param {{ channel_id: string, status: string, epoch: number, seq: number }} answer
 * @returns {Outcome[]}
 */
function attached(feed, { channel_id, status }) {
  const channel = feed.channels.get(channel_id);
  if (channel === undefined || channel.phase !== 'attaching') return [];
  if (status === 'forbidden') return [removeChannel(feed, channel_id)];
  if (status === 'resumed') {
    channel.phase = 'replaying';
    return [];
  }
  return [reload(channel, 'resync', false)];
}

/**
 * @param {Feed} feed
 * @param {Extract<ServerFrame, { type: 'revision' }>} frame
 * @param {number | null} latency_ms
 * @returns {Outcome[]}
 */
function revision(feed, frame, latency_ms) {
  const channel = feed.channels.get(frame.channel_id);
  // Frames sent before the server read our `detach` still come in; the signals being loaded contain them.
  if (channel === undefined || channel.cursor === null || (channel.phase !== 'replaying' && channel.phase !== 'live')) return [];
  const { cursor } = channel;
  if (frame.epoch === cursor.epoch && frame.seq <= cursor.seq) return [{ type: 'double', channel_id: channel.channel_id }];
  if (frame.epoch !== cursor.epoch || frame.seq !== cursor.seq + 1) return [reload(channel, 'hole', true)];
  cursor.seq = frame.seq;
  return store(feed, channel, frame, latency_ms);
}

/**
 * @param {Feed} feed
 * @param {Channel} channel
 * @param {Extract<ServerFrame, { type: 'revision' }>} frame
 * @param {number | null} latency_ms
 * @returns {Outcome[]}
 */
function store(feed, channel, frame, latency_ms) {
  const { signal, kind } = frame;
  const known = feed.entries.get(signal.signal_id);
  // An older page may already have brought this revision or a later one.
  if (known !== undefined && known.signal.revision >= signal.revision) return [];
  const marks = { late: frame.late || (known?.late ?? false), latency_ms: latency_ms ?? known?.latency_ms ?? null, unseen: known?.unseen ?? false };
  if (kind === 'delete') {
    if (known === undefined) put(feed, contentless(signal), { ...marks, unseen: true });
    else put(feed, { ...known.signal, revision: signal.revision, deleted: true }, marks);
  } else {
    put(feed, signal, marks);
  }
  const created = known === undefined && kind === 'create';
  if (created) channel.unread += 1;
  const type = created ? 'created' : kind === 'delete' ? 'deleted' : 'updated';
  return [{ type, channel_id: channel.channel_id, signal_id: signal.signal_id, live: channel.phase === 'live', late: frame.late }];
}

/** A deletion need not carry the empty content. @param {Partial<Signal> & Pick<Signal, 'signal_id' | 'channel_id' | 'revision'>} signal */
function contentless(signal) {
  return /** @type {Signal} */ ({ ...signal, deleted: true, text: '', embeds: [], attachments: [] });
}

/** @param {Feed} feed @param {{ channel_id: string, epoch: number, seq: number }} frame @returns {Outcome[]} */
function live(feed, frame) {
  const channel = feed.channels.get(frame.channel_id);
  if (channel === undefined || channel.phase !== 'replaying' || channel.cursor === null) return [];
  if (frame.epoch !== channel.cursor.epoch || frame.seq !== channel.cursor.seq) return [reload(channel, 'hole', true)];
  channel.phase = 'live';
  return [{ type: 'live', channel_id: channel.channel_id }];
}

/** @param {Channel} channel @param {'hole' | 'resync'} reason @param {boolean} detach @returns {Outcome} */
function reload(channel, reason, detach) {
  channel.phase = 'loading';
  return { type: 'load', channel_id: channel.channel_id, detach, reason };
}

/** @param {Feed} feed @param {string} channel_id @returns {Outcome} */
function removeChannel(feed, channel_id) {
  forget(feed, new Set(idsOfChannel(feed, channel_id)));
  feed.channels.delete(channel_id);
  return { type: 'removed', channel_id };
}

/** @param {Feed} feed @param {string} channel_id */
function idsOfChannel(feed, channel_id) {
  return feed.order.filter((id) => feed.entries.get(id)?.signal.channel_id === channel_id);
}

/** @param {Feed} feed @param {Set<string>} ids */
function forget(feed, ids) {
  if (ids.size === 0) return;
  for (const id of ids) feed.entries.delete(id);
  feed.order = feed.order.filter((id) => !ids.has(id));
}

/** @param {Feed} feed */
function nextChange(feed) {
  feed.changes += 1;
  return feed.changes;
}

/**
 * @param {Feed} feed
 * @param {Signal} signal
 * @param {{ late: boolean, latency_ms: number | null, unseen: boolean }} marks
 */
function put(feed, signal, { late, latency_ms, unseen }) {
  const id = signal.signal_id;
  if (!feed.entries.has(id)) feed.order.splice(placeOf(feed.order, id), 0, id);
  feed.entries.set(id, { signal, late, latency_ms, unseen, change: nextChange(feed) });
}

/**
 * Where an id stands, or would stand, in an order that is newest first.
 * @param {string[]} order
 * @param {string} id
 */
export function placeOf(order, id) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareIds(order[middle], id) > 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Drops the oldest signals over `kept_max`; they can be asked for again as older pages.
 * @param {Feed} feed
 * @param {number} kept_max
 */
export function trimOldest(feed, kept_max) {
  if (feed.order.length <= kept_max) return;
  const dropped = feed.order.slice(kept_max);
  for (const id of dropped) {
    const channel = feed.channels.get(feed.entries.get(id)?.signal.channel_id ?? '');
    const above = String(BigInt(id) + 1n);
    if (channel !== undefined && (channel.covered_from === null || compareIds(above, channel.covered_from) > 0)) channel.covered_from = above;
    feed.entries.delete(id);
  }
  feed.order.length = kept_max;
}
