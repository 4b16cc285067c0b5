// @ts-check
// Which signals of the feed the page shows: a bounded window over one channel or all of them. Below the horizon, the
// newest point where some channel is not known any further, a merged view would have gaps, so it ends there.

import { compareIds, placeOf } from './feed_core.js';

/**
 * @typedef {import('./feed_core.js').Feed} Feed
 * `anchor_id`: the newest signal to show, null for the newest there is.
 * @typedef {{ channel_id: string | null, anchor_id: string | null, size: number }} View
 * `newer`: how many are above the window. `more`: older ones are in memory. `older`: else, the channels to ask, with `before`.
 * @typedef {{ ids: string[], newer: number, more: boolean, older: { channel_id: string, before: string }[] }} Window
 */

/**
 * @param {Feed} feed
 * @param {View} view
 * @returns {Window}
 */
export function windowOf(feed, view) {
  const horizon = horizonOf(feed, view.channel_id);
  const start = view.anchor_id === null ? 0 : placeOf(feed.order, view.anchor_id);
  /** @type {string[]} */
  const ids = [];
  let newer = 0;
  let more = false;
  for (let i = 0; i < feed.order.length; i += 1) {
    const id = feed.order[i];
    if (horizon !== null && compareIds(id, horizon) < 0) break;
    if (!isShown(feed, id, view.channel_id)) continue;
    if (i < start) {
      newer += 1;
    } else if (ids.length < view.size) {
      ids.push(id);
    } else {
      more = true;
      break;
    }
  }
  return { ids, newer, more, older: more ? [] : channelsAt(feed, view.channel_id, horizon) };
}

/**
 * The view one step further down: it grows to `size_max`, then slides.
 * @param {Feed} feed
 * @param {View} view
 * @param {number} step
 * @param {number} size_max
 * @returns {View}
 */
export function olderView(feed, view, step, size_max) {
  const size = Math.min(size_max, view.size + step);
  const slide = view.size + step - size;
  if (slide === 0) return { ...view, size };
  const { ids } = windowOf(feed, view);
  return { ...view, size, anchor_id: ids[Math.min(slide, ids.length - 1)] ?? view.anchor_id };
}

/** @param {Feed} feed @param {string} id @param {string | null} channel_id */
function isShown(feed, id, channel_id) {
  const entry = feed.entries.get(id);
  return entry !== undefined && !entry.unseen && (channel_id === null || entry.signal.channel_id === channel_id);
}

/** @param {Feed} feed @param {string | null} channel_id */
function inScope(feed, channel_id) {
  return [...feed.channels.values()].filter((channel) => channel_id === null || channel.channel_id === channel_id);
}

/** @param {Feed} feed @param {string | null} channel_id @returns {string | null} */
function horizonOf(feed, channel_id) {
  /** @type {string | null} */
  let horizon = null;
  for (const { covered_from } of inScope(feed, channel_id)) {
    if (covered_from !== null && (horizon === null || compareIds(covered_from, horizon) > 0)) horizon = covered_from;
  }
  return horizon;
}

/** @param {Feed} feed @param {string | null} channel_id @param {string | null} horizon */
function channelsAt(feed, channel_id, horizon) {
  if (horizon === null) return [];
  return inScope(feed, channel_id)
    .filter((channel) => channel.covered_from === horizon)
    .map((channel) => ({ channel_id: channel.channel_id, before: horizon }));
}
