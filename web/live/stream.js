// @ts-check
// Keeps the feed in step with the server: carries out what feed_core.js asks for (load, attach, detach) over HTTP and the
// socket, within the limits of the protocol. Draws nothing.

import { getChannels, getSignals, SignedOut } from './api.js';
import { Connection } from './connection.js';
import { applyChannels, applyFrame, applyOlder, applySnapshot, attaching, disconnected } from './feed_core.js';
import { newLatency, noteLiveFrame, noteServerTime } from './latency_core.js';
import { retryDelayMs } from './reconnect_core.js';

const LOADS_AT_ONCE_MAX = 6;
const FIRST_PAGE_MAX = 50;
const FIRST_PAGE_MIN = 10;
/** Signals worth loading over all channels at the start. */
const FIRST_SIGNALS = 600;
const OLDER_PAGE = 100;
/** One frame to the server may have 64 KiB; a channel with its cursor takes about 90 bytes. */
const ATTACH_CHANNELS_MAX = 250;
const ATTACH_EVERY_MS = 200;
const CHANNELS_EVERY_MS = 60_000;
const RELOADS_FORGOTTEN_MS = 60_000;

/**
 * @typedef {import('./feed_core.js').Feed} Feed
 * @typedef {import('./feed_core.js').Outcome} Outcome
 * @typedef {import('./reconnect_core.js').CloseMeaning} CloseMeaning
 * @typedef {{
 *   onOutcomes: (outcomes: Outcome[]) => void,
 *   onConnected: () => void,
 *   onLost: (meaning: CloseMeaning, retry_at_ms: number | null) => void,
 *   onGoingAway: () => void,
 *   onSignedOut: () => void,
 * }} StreamListener
 */

export class Stream {
  /** @param {Feed} feed @param {StreamListener} listener */
  constructor(feed, listener) {
    this.feed = feed;
    this.listener = listener;
    this.latency = newLatency();
    /** @type {string[]} */
    this.toLoad = [];
    this.loading = 0;
    /** @type {Set<string>} */
    this.toAttach = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.attachTimer = undefined;
    /** @type {Map<string, { count: number, at_ms: number }>} */
    this.reloads = new Map();
    const url = new URL('/live', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    this.connection = new Connection(url.href, {
      onFrame: (frame) => this.onFrame(frame),
      onLost: (meaning, retry_at_ms) => {
        disconnected(this.feed);
        this.listener.onLost(meaning, retry_at_ms);
      },
      onRefused: () => this.mayRetry(),
    });
  }

  /** @param {import('./feed_core.js').ChannelInfo[]} channels */
  start(channels) {
    this.carryOut(applyChannels(this.feed, channels));
    this.connection.open();
    setInterval(() => this.refreshChannels(), CHANNELS_EVERY_MS);
  }

  /** @param {import('../protocol').ServerFrame} frame */
  onFrame(frame) {
    const now_ms = Date.now();
    if (frame.type === 'welcome' || frame.type === 'heartbeat') noteServerTime(this.latency, frame.server_time_ms, now_ms);
    let latency_ms = null;
    if (frame.type === 'revision') {
      const phase = this.feed.channels.get(frame.channel_id)?.phase;
      if (phase === 'live') latency_ms = noteLiveFrame(this.latency, frame.accepted_at_ms, now_ms);
    }
    const outcomes = applyFrame(this.feed, frame, latency_ms);
    if (frame.type === 'welcome') this.listener.onConnected();
    if (frame.type === 'going_away') this.listener.onGoingAway();
    if (frame.type === 'error') console.warn('the server refused a frame:', frame.code, frame.message);
    this.carryOut(outcomes);
  }

  /** @param {Outcome[]} outcomes */
  carryOut(outcomes) {
    for (const outcome of outcomes) {
      if (outcome.type === 'attach') this.attachSoon(outcome.channel_ids);
      if (outcome.type === 'load') {
        if (outcome.detach) this.connection.send({ type: 'detach', channels: [outcome.channel_id] });
        this.loadAfter(outcome.channel_id, outcome.reason === 'new' ? 0 : this.reloadDelayMs(outcome.channel_id));
      }
    }
    this.listener.onOutcomes(outcomes);
  }

  /**
   * The first reload of a channel comes at once, each further one within a minute later and later: a channel that will
   * not come right must not become a storm of requests.
   * @param {string} channel_id
   */
  reloadDelayMs(channel_id) {
    const now_ms = Date.now();
    const before = this.reloads.get(channel_id);
    const count = before !== undefined && now_ms - before.at_ms < RELOADS_FORGOTTEN_MS ? before.count + 1 : 0;
    this.reloads.set(channel_id, { count, at_ms: now_ms });
    return count === 0 ? 0 : retryDelayMs(count, Math.random);
  }

  /** @param {string} channel_id @param {number} delay_ms */
  loadAfter(channel_id, delay_ms) {
    const queue = () => {
      this.toLoad.push(channel_id);
      this.loadNext();
    };
    if (delay_ms === 0) queue();
    else setTimeout(queue, delay_ms);
  }

  loadNext() {
    while (this.loading < LOADS_AT_ONCE_MAX && this.toLoad.length > 0) {
      const channel_id = this.toLoad.shift();
      if (channel_id !== undefined && this.feed.channels.get(channel_id)?.phase === 'loading') this.load(channel_id, 0);
    }
  }

  /** @param {string} channel_id @param {number} failures */
  async load(channel_id, failures) {
    this.loading += 1;
    const limit = Math.max(FIRST_PAGE_MIN, Math.min(FIRST_PAGE_MAX, Math.ceil(FIRST_SIGNALS / this.feed.channels.size)));
    try {
      const page = await getSignals(channel_id, limit);
      if (this.feed.channels.get(channel_id)?.phase === 'loading') this.carryOut(applySnapshot(this.feed, channel_id, page));
    } catch (error) {
      if (error instanceof SignedOut) this.listener.onSignedOut();
      else setTimeout(() => this.feed.channels.get(channel_id)?.phase === 'loading' && this.load(channel_id, failures + 1), retryDelayMs(failures, Math.random));
    } finally {
      this.loading -= 1;
      this.loadNext();
    }
  }

  /**
   * Fetches one older page of each of these channels.
   * @param {{ channel_id: string, before: string }[]} pages
   */
  async loadOlder(pages) {
    await Promise.all(pages.map(async ({ channel_id, before }) => {
      this.carryOut(applyOlder(this.feed, channel_id, before, await getSignals(channel_id, OLDER_PAGE, before)));
    }));
  }

  /** @param {string[]} channel_ids */
  attachSoon(channel_ids) {
    for (const id of channel_ids) this.toAttach.add(id);
    if (this.attachTimer !== undefined) return;
    this.flushAttach();
    this.attachTimer = setTimeout(() => {
      this.attachTimer = undefined;
      if (this.toAttach.size > 0) this.attachSoon([]);
    }, ATTACH_EVERY_MS);
  }

  flushAttach() {
    if (!this.connection.isOpen) {
      // `welcome` asks again for everything that is ready.
      this.toAttach.clear();
      return;
    }
    const ids = [...this.toAttach].slice(0, ATTACH_CHANNELS_MAX);
    for (const id of ids) this.toAttach.delete(id);
    const channels = attaching(this.feed, ids);
    if (channels.length > 0) this.connection.send({ type: 'attach', channels });
  }

  /** What the viewer may see can grow while connected; no frame says so. */
  async refreshChannels() {
    if (!this.connection.isOpen || document.visibilityState !== 'visible') return;
    try {
      this.carryOut(applyChannels(this.feed, await getChannels()));
    } catch (error) {
      if (error instanceof SignedOut) this.listener.onSignedOut();
    }
  }

  /** A refused upgrade: when HTTP says 401 the viewer must sign in, anything else may pass. */
  async mayRetry() {
    try {
      await getChannels();
    } catch (error) {
      if (error instanceof SignedOut) {
        this.listener.onSignedOut();
        return false;
      }
    }
    return true;
  }
}
