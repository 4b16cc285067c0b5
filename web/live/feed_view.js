// @ts-check
// The list of signals on the page: at most as many elements as the window has, each drawn again only when its entry changed.

import { setText } from '../shared/dom.js';
import { relativeTime } from '../shared/format.js';
import { drawSignal } from './signal_view.js';

/** @typedef {import('./feed_core.js').Feed} Feed */

const KEEPS_SCROLL = CSS.supports('overflow-anchor', 'auto');

export class FeedView {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    /** @type {Map<string, { change: number, element: HTMLElement }>} */
    this.drawn = new Map();
  }

  /**
   * @param {Feed} feed
   * @param {string[]} ids newest first
   * @param {Set<string>} fresh ids that just came in live
   */
  render(feed, ids, fresh) {
    const now_ms = Date.now();
    const height = this.list.scrollHeight;
    const wanted = new Set(ids);
    for (const [id, { element }] of this.drawn) {
      if (wanted.has(id)) continue;
      element.remove();
      this.drawn.delete(id);
    }
    let next = this.list.firstElementChild;
    for (const id of ids) {
      const replaced = this.drawn.get(id)?.element === next;
      const element = this.elementOf(feed, id, now_ms, fresh);
      if (replaced) next = element.nextElementSibling;
      else this.list.insertBefore(element, next);
    }
    // Browsers without scroll anchoring would move what is being read when something comes in above it.
    if (!KEEPS_SCROLL && scrollY > 0) scrollBy(0, this.list.scrollHeight - height);
  }

  /**
   * @param {Feed} feed @param {string} id @param {number} now_ms @param {Set<string>} fresh
   * @returns {HTMLElement}
   */
  elementOf(feed, id, now_ms, fresh) {
    const entry = feed.entries.get(id);
    const before = this.drawn.get(id);
    if (entry === undefined) throw new Error(`signal ${id} is in the window but not in the feed`);
    if (before !== undefined && before.change === entry.change) return before.element;
    const channel = feed.channels.get(entry.signal.channel_id);
    const element = drawSignal(entry, channel?.name ?? entry.signal.channel_id, now_ms);
    if (fresh.has(id)) element.classList.add('fresh');
    if (before !== undefined) {
      const hadFocus = before.element.contains(document.activeElement);
      before.element.replaceWith(element);
      if (hadFocus) element.focus({ preventScroll: true });
    }
    this.drawn.set(id, { change: entry.change, element });
    return element;
  }

  /** Writes the relative times anew. */
  tick() {
    const now_ms = Date.now();
    for (const time of this.list.querySelectorAll('time[data-at]')) setText(time, relativeTime(Number(time.getAttribute('data-at')), now_ms));
  }

  /**
   * Moves the focus among the signals.
   * @param {1 | -1} step
   */
  move(step) {
    const current = document.activeElement?.closest('.signal') ?? null;
    const target = current === null ? this.list.firstElementChild : step === 1 ? current.nextElementSibling : current.previousElementSibling;
    if (target instanceof HTMLElement) target.focus();
  }
}
