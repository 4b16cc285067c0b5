// @ts-check
// The channel list: grouped by guild, narrowed by the filter, with unread counts. Elements stay while the set of channels
// stays, so that the keyboard focus does too.

import { h, setText } from '../shared/dom.js';

/**
 * @typedef {import('./feed_core.js').Feed} Feed
 * @typedef {import('./feed_core.js').Channel} Channel
 * @typedef {{ button: HTMLButtonElement, name: HTMLElement, phase: HTMLElement, badge: HTMLElement }} Row
 */

const BADGE_MAX = 99;
/** @type {Record<string, string>} */
const PHASE_WORD = { loading: 'loading', attaching: 'joining', replaying: 'catching up', ready: '', live: '' };

export class ChannelsView {
  /**
   * @param {HTMLElement} list
   * @param {(channel_id: string | null) => void} onSelect
   */
  constructor(list, onSelect) {
    this.list = list;
    this.onSelect = onSelect;
    /** @type {Map<string | null, Row>} */
    this.rows = new Map();
    this.structure = '';
  }

  /** @param {Feed} feed @param {string | null} selected @param {string} filter */
  render(feed, selected, filter) {
    const needle = filter.trim().toLowerCase();
    const shown = [...feed.channels.values()]
      .filter(({ name, guild_name }) => needle === '' || name.toLowerCase().includes(needle) || guild_name.toLowerCase().includes(needle))
      .sort((a, b) => a.guild_name.localeCompare(b.guild_name) || a.name.localeCompare(b.name));
    const structure = JSON.stringify(shown.map(({ channel_id, name, guild_name }) => [channel_id, name, guild_name]));
    if (structure !== this.structure || this.rows.size === 0) this.rebuild(shown, structure, needle);
    let total = 0;
    for (const channel of feed.channels.values()) {
      total += channel.unread;
      this.patch(this.rows.get(channel.channel_id), channel.unread, channel.channel_id === selected, PHASE_WORD[channel.phase]);
    }
    this.patch(this.rows.get(null), total, selected === null, '');
    return total;
  }

  /** @param {Channel[]} shown @param {string} structure @param {string} needle */
  rebuild(shown, structure, needle) {
    const focused = document.activeElement?.getAttribute('data-row') ?? null;
    this.structure = structure;
    this.rows.clear();
    this.list.replaceChildren(this.row(null, 'All channels'));
    let guild_id = null;
    for (const channel of shown) {
      if (channel.guild_id !== guild_id) this.list.append(h('h2', {}, channel.guild_name));
      guild_id = channel.guild_id;
      this.list.append(this.row(channel.channel_id, channel.name));
    }
    if (shown.length === 0) this.list.append(h('h2', {}, needle === '' ? 'No channels for your tier yet' : 'No channel matches'));
    if (focused !== null) this.rows.get(focused === 'all' ? null : focused)?.button.focus();
  }

  /** @param {string | null} channel_id @param {string} label */
  row(channel_id, label) {
    const name = h('span', { class: 'name', title: label }, label);
    const phase = h('span', { class: 'phase' });
    const badge = h('span', { class: 'badge', hidden: true });
    const hash = channel_id === null ? null : h('span', { class: 'hash', 'aria-hidden': 'true' }, '#');
    const button = h('button', { class: 'channel', type: 'button', 'data-row': channel_id ?? 'all', onclick: () => this.onSelect(channel_id) }, hash, name, phase, badge);
    this.rows.set(channel_id, { button, name, phase, badge });
    return button;
  }

  /** @param {Row | undefined} row @param {number} unread @param {boolean} selected @param {string} phase */
  patch(row, unread, selected, phase) {
    if (row === undefined) return;
    row.button.setAttribute('aria-current', String(selected));
    row.button.classList.toggle('unread', unread > 0);
    row.badge.hidden = unread === 0;
    setText(row.badge, badgeText(unread));
    row.badge.setAttribute('aria-label', `${unread} unread`);
    setText(row.phase, phase);
  }
}

/** @param {number} unread */
export function badgeText(unread) {
  return unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
}
