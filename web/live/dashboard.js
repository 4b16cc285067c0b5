// @ts-check
// The dashboard of a signed-in viewer: turns what the stream reports into the feed, the channel list, counts and alerts.
// Draws at most once a frame, however many signals come in.

import { byId, setText } from '../shared/dom.js';
import { duration } from '../shared/format.js';
import { Alerts } from './alerts.js';
import { badgeText, ChannelsView } from './channels_view.js';
import { trimOldest } from './feed_core.js';
import { FeedView } from './feed_view.js';
import { percentile } from './latency_core.js';
import { parseMarkdown, plainText } from './markdown_core.js';
import { authorName } from './signal_view.js';
import { olderView, windowOf } from './window_core.js';

/**
 * @typedef {import('./feed_core.js').Feed} Feed
 * @typedef {import('./feed_core.js').Outcome} Outcome
 * @typedef {import('./stream.js').Stream} Stream
 */

const RENDERED_MAX = 300;
const STEP = 100;
const KEPT_MAX = 3000;
const KEPT_WHILE_BROWSING_MAX = 12_000;
const TOP_PX = 160;
const TICK_EVERY_MS = 10_000;
const SPEAK_EVERY_MS = 4000;
const SPOKEN_LENGTH_MAX = 140;
const LATENCY_EVERY_MS = 1000;
/** Requests one press of "Load older" may take until the next signals of a merged view are complete. */
const OLDER_ROUNDS_MAX = 6;

export class Dashboard {
  /** @param {Feed} feed */
  constructor(feed) {
    this.feed = feed;
    /** @type {Stream | null} */
    this.stream = null;
    /** @type {import('./window_core.js').View} */
    this.view = { channel_id: null, anchor_id: null, size: STEP };
    this.filter = '';
    /** @type {string | null} the newest signal that was on the screen when it last showed the top */
    this.seen_id = null;
    /** @type {Set<string>} */
    this.fresh = new Set();
    this.spokenCount = 0;
    this.lastSpoken = '';
    this.loadingOlder = false;
    this.drawAsked = false;
    this.feedView = new FeedView(byId('feed'));
    this.channelsView = new ChannelsView(byId('channel-list'), (id) => this.select(id));
    this.alerts = new Alerts(byId('sound'), byId('notify'));
    this.listen();
  }

  listen() {
    byId('older').addEventListener('click', () => this.showOlder());
    byId('newer').addEventListener('click', () => this.showNewest());
    byId('feed').addEventListener('click', (event) => {
      const where = event.target instanceof Element ? event.target.closest('[data-channel]') : null;
      if (where !== null) this.select(where.getAttribute('data-channel'));
    });
    byId('channel-filter').addEventListener('input', (event) => {
      this.filter = /** @type {HTMLInputElement} */ (event.target).value;
      this.drawSoon();
    });
    addEventListener('scroll', () => this.isAtTop() && this.seen_id !== this.feed.order[0] && this.drawSoon(), { passive: true });
    document.addEventListener('visibilitychange', () => this.drawSoon());
    addEventListener('keydown', (event) => this.onKey(event));
    setInterval(() => this.feedView.tick(), TICK_EVERY_MS);
    setInterval(() => this.speak(), SPEAK_EVERY_MS);
    setInterval(() => this.showLatency(), LATENCY_EVERY_MS);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    if (event.key === 'j') this.feedView.move(1);
    else if (event.key === 'k') this.feedView.move(-1);
    else if (event.key === 'g') this.showNewest();
    else if (event.key === '/') {
      event.preventDefault();
      setMenu(true);
      byId('channel-filter').focus();
    }
  }

  /** @param {Outcome[]} outcomes */
  onOutcomes(outcomes) {
    for (const outcome of outcomes) {
      if (outcome.type === 'created') this.announce(outcome);
      if (outcome.type === 'removed' && this.view.channel_id === outcome.channel_id) this.select(null);
    }
    const browsing = this.view.anchor_id !== null || this.view.size > STEP;
    trimOldest(this.feed, browsing ? KEPT_WHILE_BROWSING_MAX : KEPT_MAX);
    this.drawSoon();
  }

  /** @param {Extract<Outcome, { type: 'created' | 'updated' | 'deleted' }>} created */
  announce({ signal_id, channel_id, live }) {
    if (!live) return;
    const entry = this.feed.entries.get(signal_id);
    const channel = this.feed.channels.get(channel_id);
    if (entry === undefined || channel === undefined) return;
    this.fresh.add(signal_id);
    this.alerts.tone();
    const { signal } = entry;
    const said = plainText(parseMarkdown(signal.text || signal.embeds[0]?.title || signal.embeds[0]?.description || 'picture')).trim();
    this.alerts.popUp(`#${channel.name} · ${authorName(signal)}`, said, channel_id);
    this.spokenCount += 1;
    this.lastSpoken = `${channel.name}, ${authorName(signal)}: ${said.slice(0, SPOKEN_LENGTH_MAX)}`;
  }

  /** A screen reader hears the latest signal and how many came, not every one of a burst. */
  speak() {
    if (this.spokenCount === 0) return;
    byId('spoken').textContent = this.spokenCount === 1 ? this.lastSpoken : `${this.spokenCount} new signals. ${this.lastSpoken}`;
    this.spokenCount = 0;
  }

  drawSoon() {
    if (this.drawAsked) return;
    this.drawAsked = true;
    const draw = () => {
      this.drawAsked = false;
      this.draw();
    };
    // A page in the background gets no animation frames, but its title still counts.
    if (document.visibilityState === 'visible') requestAnimationFrame(draw);
    else setTimeout(draw, 1000);
  }

  draw() {
    const shown = windowOf(this.feed, this.view);
    if (document.visibilityState === 'visible' && this.isAtTop() && this.view.anchor_id === null) this.markSeen(shown.ids[0]);
    this.feedView.render(this.feed, shown.ids, this.fresh);
    this.fresh.clear();
    const unread = this.channelsView.render(this.feed, this.view.channel_id, this.filter);
    const title = unread > 0 ? `(${badgeText(unread)}) Heliograph` : 'Heliograph';
    if (document.title !== title) document.title = title;
    byId('menu-unread').hidden = unread === 0;
    setText(byId('menu-unread'), badgeText(unread));
    this.drawEdges(shown);
  }

  /** @param {import('./window_core.js').Window} shown */
  drawEdges(shown) {
    const seenAt = this.seen_id === null ? 0 : Math.max(0, shown.ids.indexOf(this.seen_id));
    const above = shown.newer + (this.view.anchor_id === null ? seenAt : 0);
    byId('newer').hidden = above === 0 || (this.view.anchor_id === null && this.isAtTop());
    setText(byId('newer'), this.view.anchor_id === null ? `↑ ${above} new` : `↑ Back to the newest (${above} above)`);
    const hasOlder = shown.more || shown.older.length > 0;
    byId('older').hidden = !hasOlder;
    const loading = [...this.feed.channels.values()].some((channel) => channel.phase === 'loading');
    setText(byId('feed-end-note'), hasOlder ? '' : shown.ids.length > 0 ? 'This is the beginning.' : loading ? 'Loading signals…' : 'No signals yet. They appear here the moment they are captured.');
    const channel = this.view.channel_id === null ? undefined : this.feed.channels.get(this.view.channel_id);
    setText(byId('stream-title'), channel === undefined ? 'All channels' : `#${channel.name}`);
    setText(byId('stream-note'), channel?.guild_name ?? `${this.feed.channels.size} ${this.feed.channels.size === 1 ? 'channel' : 'channels'}`);
  }

  /** @param {string | undefined} newest_id */
  markSeen(newest_id) {
    this.seen_id = newest_id ?? null;
    for (const channel of this.feed.channels.values()) {
      if (this.view.channel_id === null || this.view.channel_id === channel.channel_id) channel.unread = 0;
    }
  }

  isAtTop() {
    return scrollY < TOP_PX;
  }

  /** @param {string | null} channel_id */
  select(channel_id) {
    this.view = { channel_id, anchor_id: null, size: STEP };
    setMenu(false);
    scrollTo(0, 0);
    this.drawSoon();
  }

  showNewest() {
    this.view = { ...this.view, anchor_id: null, size: STEP };
    scrollTo(0, 0);
    this.drawSoon();
  }

  async showOlder() {
    if (this.loadingOlder) return;
    this.loadingOlder = true;
    const button = /** @type {HTMLButtonElement} */ (byId('older'));
    button.disabled = true;
    setText(button, 'Loading…');
    try {
      this.view = olderView(this.feed, this.view, STEP, RENDERED_MAX);
      for (let round = 0; round < OLDER_ROUNDS_MAX; round += 1) {
        const { ids, more, older } = windowOf(this.feed, this.view);
        if (more || older.length === 0 || ids.length >= this.view.size) break;
        await this.stream?.loadOlder(older);
      }
      setText(button, 'Load older');
    } catch {
      setText(button, 'Could not be loaded. Try again');
    } finally {
      button.disabled = false;
      this.loadingOlder = false;
      this.drawSoon();
    }
  }

  showLatency() {
    if (this.stream === null) return;
    const p50 = percentile(this.stream.latency, 50);
    const p95 = percentile(this.stream.latency, 95);
    byId('latency').hidden = p50 === null;
    if (p50 !== null && p95 !== null) {
      setText(byId('latency-p50'), duration(p50));
      setText(byId('latency-p95'), duration(p95));
    }
  }
}

/**
 * The channel list of a narrow screen.
 * @param {boolean} open
 */
export function setMenu(open) {
  byId('channels').classList.toggle('open', open);
  byId('scrim').hidden = !open;
  byId('menu').setAttribute('aria-expanded', String(open));
}
