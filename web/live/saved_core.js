// @ts-check
// The feed as text and back, so that a reloaded page resumes from its cursors instead of starting over. Cursors and the
// signals they belong to are kept together: a cursor without its signals would resume past what is not shown.

import { compareIds, newFeed } from './feed_core.js';

/** @typedef {import('./feed_core.js').Feed} Feed */

const FORMAT = 1;
const SIGNALS_MAX = 600;

/**
 * @param {Feed} feed
 * @param {string} viewer whom it belongs to; another viewer must not get it
 * @returns {string}
 */
export function saveFeed(feed, viewer) {
  const ids = feed.order.slice(0, SIGNALS_MAX);
  const firstLeftOut = feed.order[SIGNALS_MAX];
  const channels = [...feed.channels.values()].filter((channel) => channel.cursor !== null).map((channel) => ({
    ...channel,
    covered_from: firstLeftOut === undefined ? channel.covered_from : later(channel.covered_from, String(BigInt(firstLeftOut) + 1n)),
  }));
  const kept = new Set(channels.map((channel) => channel.channel_id));
  const entries = ids.map((id) => feed.entries.get(id)).filter((entry) => entry !== undefined && kept.has(entry.signal.channel_id));
  return JSON.stringify({ format: FORMAT, viewer, channels, entries });
}

/**
 * The feed as it was saved, nothing attached; null when it is another viewer's, another format's or damaged.
 * @param {string | null} text
 * @param {string} viewer
 * @returns {Feed | null}
 */
export function restoreFeed(text, viewer) {
  if (text === null) return null;
  try {
    const saved = JSON.parse(text);
    if (saved.format !== FORMAT || saved.viewer !== viewer) return null;
    const feed = newFeed();
    for (const channel of saved.channels) {
      // A channel that was being loaded again had a hole: its signals are loaded anew.
      if (channel.phase !== 'loading') feed.channels.set(channel.channel_id, { ...channel, phase: 'ready' });
    }
    for (const entry of saved.entries) {
      if (!feed.channels.has(entry.signal.channel_id)) continue;
      feed.changes += 1;
      feed.entries.set(entry.signal.signal_id, { ...entry, change: feed.changes });
      feed.order.push(entry.signal.signal_id);
    }
    feed.order.sort((a, b) => compareIds(b, a));
    return feed;
  } catch {
    return null;
  }
}

/** @param {string | null} a @param {string} b */
function later(a, b) {
  return a !== null && compareIds(a, b) > 0 ? a : b;
}
