// @ts-check
// Connectors, mirrors, dead letters, quarantine and audit: pages of a list as a table. Which columns a list has is said here once; fields the
// server adds later show up in the details of a row.

import { h } from '../shared/dom.js';
import { exactTime, relativeTime } from '../shared/format.js';
import { call } from './api.js';
import { DEAD_LETTERS, MIRRORS } from './mirrors_view.js';

const PAGE = 50;
const CELL_LENGTH_MAX = 160;

/**
 * @typedef {Record<string, any>} Item
 * @typedef {{ pause: (target: Item) => void, resume: (target: Item) => void, redrive: (letter: Item) => void, redriveTarget: (letter: Item) => void,
 *   drop: (letter: Item) => void, trail: (signal_id: string) => void }} Commands
 * @typedef {{ title: string, draw: (item: Item, commands: Commands) => Node | string }} Column
 * @typedef {{ path: string, empty: string, columns: Column[], details: boolean }} List
 */

/** @type {Record<string, List>} */
export const LISTS = {
  connectors: {
    path: '/api/connectors', details: false,
    empty: 'No connector yet. Create one with POST /api/connectors; its token is shown once.',
    columns: [
      { title: 'Connector', draw: (item) => h('div', {}, h('div', { class: 'strong' }, String(item.name || item.connector_id)), h('div', { class: 'sub mono' }, String(item.connector_id))) },
      { title: 'Tenant', draw: (item) => text(item.tenant_key) },
      { title: 'Status', draw: (item) => pill(isPaused(item) ? 'paused' : 'active', isPaused(item) ? 'warn' : 'good') },
      { title: 'Ingest', draw: (item) => pill(item.ingest_enabled ? 'on' : 'off', item.ingest_enabled ? 'good' : '') },
      { title: 'Forward', draw: (item) => pill(item.forward_enabled ? 'on' : 'off', item.forward_enabled ? 'good' : '') },
      { title: 'Config', draw: (item) => h('span', { class: 'mono' }, `v${item.config_version ?? '?'}`) },
      { title: 'Last seen', draw: (item) => time(item.last_seen_at_ms, 'never') },
    ],
  },
  mirrors: MIRRORS,
  dead: DEAD_LETTERS,
  quarantine: {
    path: '/api/quarantine', details: true,
    empty: 'Nothing in quarantine: every item a connector sent was understood.',
    columns: [
      { title: 'Received', draw: (item) => time(item.received_at_ms, '–') },
      { title: 'Connector', draw: (item) => text(item.connector_id) },
      { title: 'Kind', draw: (item) => text(item.kind) },
      { title: 'Item', draw: (item) => h('span', { class: 'mono' }, String(item.item_index ?? '–')) },
      { title: 'Reason', draw: (item) => text(item.reason) },
    ],
  },
  audit: {
    path: '/api/audit', details: true,
    empty: 'No change was made yet.',
    columns: [
      { title: 'When', draw: (item) => time(item.at_ms, '–') },
      { title: 'Who', draw: (item) => text(item.actor) },
      { title: 'Action', draw: (item) => text(item.action) },
      { title: 'Subject', draw: (item) => h('span', { class: 'mono' }, String(item.subject ?? '–')) },
    ],
  },
};

export class ListView {
  /** @param {HTMLElement} place @param {(error: unknown) => void} onError @param {Commands} commands */
  constructor(place, onError, commands) {
    this.place = place;
    this.onError = onError;
    this.commands = commands;
    this.shown = '';
  }

  /** @param {string} name of a list */
  async open(name) {
    this.shown = name;
    this.place.replaceChildren(h('p', { class: 'empty' }, 'Loading…'));
    const list = LISTS[name];
    const body = h('tbody');
    const head = h('thead', {}, h('tr', {}, list.columns.map((column) => h('th', { scope: 'col' }, column.title)), list.details && h('th', { scope: 'col' }, 'Details')));
    const more = h('button', { class: 'button', hidden: true }, 'Show more');
    const refresh = h('button', { class: 'button', onclick: () => this.open(name) }, 'Refresh');
    /** @param {string | null} after */
    const page = async (after) => {
      more.disabled = true;
      try {
        const query = new URLSearchParams({ limit: String(PAGE), ...(after === null ? {} : { after }) });
        const { items, next_after } = await call(`${list.path}?${query}`);
        if (this.shown !== name) return;
        if (after === null) this.place.replaceChildren(h('div', { class: 'tools' }, h('span', { class: 'push' }), refresh), h('div', { class: 'tree-scroll' }, h('table', { class: 'list' }, head, body)), h('div', { class: 'more' }, more));
        body.append(...items.map((/** @type {Item} */ item) => drawItem(list, item, this.commands)));
        if (body.childElementCount === 0) body.append(h('tr', {}, h('td', { colspan: list.columns.length + 1, class: 'empty' }, list.empty)));
        const next = next_after === null || next_after === undefined ? null : String(next_after);
        more.hidden = next === null;
        more.onclick = () => page(next);
      } catch (error) {
        if (after === null && this.shown === name) this.place.replaceChildren(h('div', { class: 'tools' }, h('p', { class: 'empty' }, 'The list could not be loaded.'), refresh));
        this.onError(error);
      } finally {
        more.disabled = false;
      }
    };
    await page(null);
  }

  close() {
    this.shown = '';
    this.place.replaceChildren();
  }
}

/** @param {List} list @param {Item} item @param {Commands} commands */
function drawItem(list, item, commands) {
  const cells = list.columns.map((column) => h('td', { 'data-label': column.title }, column.draw(item, commands)));
  if (list.details) cells.push(h('td', { 'data-label': 'Details' }, h('details', {}, h('summary', {}, 'show'), h('pre', { tabindex: '0' }, JSON.stringify(item, null, 2)))));
  return h('tr', {}, cells);
}

/** @param {Item} item */
function isPaused(item) {
  return item.status === 'paused' || item.is_paused === true;
}

/** @param {unknown} value */
function text(value) {
  if (value === null || value === undefined || value === '') return '–';
  const whole = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return whole.length > CELL_LENGTH_MAX ? `${whole.slice(0, CELL_LENGTH_MAX)}…` : whole;
}

/** @param {string} word @param {string} colour */
function pill(word, colour) {
  return h('span', { class: `pill ${colour}` }, word);
}

/** @param {unknown} at_ms @param {string} none */
function time(at_ms, none) {
  if (typeof at_ms !== 'number') return h('span', { class: 'muted' }, none);
  return h('time', { datetime: new Date(at_ms).toISOString(), title: exactTime(at_ms) }, relativeTime(at_ms, Date.now()));
}
