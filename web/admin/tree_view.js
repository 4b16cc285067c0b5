// @ts-check
// Draws the rows of tree_core.js as a table. Rows are drawn anew each second but keep their place, and the keyboard focus
// and an open detail survive.

import { h } from '../shared/dom.js';
import { count, duration, microseconds, rate, relativeTime } from '../shared/format.js';
import { isLimited, isNearlyFull, labelOf, severity } from './tree_core.js';

/**
 * @typedef {import('./tree_core.js').Row} Row
 * @typedef {import('./tree_core.js').Measured} Measured
 * @typedef {{ onToggle: (key: string, open: boolean) => void, onDetail: (name: string) => void, onWhole: (key: string) => void, onUnpark: (actor: Measured) => void }} Commands
 */

const COLUMNS = 7;
const SUMMARY_KEYS_MAX = 4;
const FACT_LENGTH_MAX = 60;
/** Above it a number of milliseconds is a moment (2001 and later), below it a span of time. */
const MOMENT_MS_MIN = 1_000_000_000_000;
/** @type {Record<string, 'good' | 'warn' | 'bad'>} */
const STATE_COLOUR = { running: 'good', restarting: 'warn', parked: 'bad' };

/**
 * @param {HTMLElement} body
 * @param {Row[]} rows
 * @param {{ at_ms: number, detailed: ReadonlySet<string> }} shown
 * @param {Commands} commands
 */
export function drawTree(body, rows, shown, commands) {
  const focused = document.activeElement?.getAttribute('data-focus') ?? null;
  body.replaceChildren(...rows.flatMap((row) => drawRow(row, shown, commands)));
  if (rows.length === 0) body.append(h('tr', {}, h('td', { colspan: COLUMNS, class: 'empty' }, 'Nothing matches.')));
  if (focused === null) return;
  for (const element of body.querySelectorAll('[data-focus]')) {
    if (element.getAttribute('data-focus') === focused && element instanceof HTMLElement) element.focus({ preventScroll: true });
  }
}

/** @param {Row} row @param {{ at_ms: number, detailed: ReadonlySet<string> }} shown @param {Commands} commands */
function drawRow(row, { at_ms, detailed }, commands) {
  if (row.type === 'group') return [drawGroup(row, at_ms, commands)];
  if (row.type === 'rest') {
    const more = h('button', { class: 'button small', 'data-focus': `rest:${row.key}`, onclick: () => commands.onWhole(row.key) }, `Show ${count(row.left_out)} more`);
    return [h('tr', {}, h('td', { colspan: COLUMNS, class: `indent-${Math.min(row.depth, 5)}` }, more))];
  }
  const open = detailed.has(row.actor.name);
  const line = drawActor(row, at_ms, open, commands);
  return open ? [line, drawDetail(row.actor, row.depth)] : [line];
}

/** @param {Extract<Row, { type: 'actor' }>} row @param {number} at_ms @param {boolean} detailOpen @param {Commands} commands */
function drawActor({ actor, depth, children, open, key }, at_ms, detailOpen, commands) {
  const label = labelOf(actor);
  const toggle = children > 0
    ? h('button', { class: 'toggle', 'aria-expanded': open, 'aria-label': `children of ${actor.name}`, 'data-focus': `toggle:${key}`, onclick: () => commands.onToggle(key, !open) }, open ? '▾' : '▸')
    : h('span', { class: 'toggle' });
  const name = h('button', { class: 'actor-name', 'aria-expanded': detailOpen, title: 'Show everything this actor says of itself', 'data-focus': `name:${key}`, onclick: () => commands.onDetail(actor.name) }, breakable(label));
  const unpark = actor.state === 'parked' && h('button', { class: 'button small', 'data-focus': `unpark:${key}`, onclick: () => commands.onUnpark(actor) }, 'Unpark');
  return h('tr', { class: `actor severity-${severity(actor, at_ms)}` },
    h('th', { scope: 'row', class: `indent-${Math.min(depth, 5)}` }, h('div', { class: 'actor-cell' }, toggle, h('div', {}, name, label !== actor.name && h('div', { class: 'sub mono' }, actor.name)))),
    h('td', { 'data-label': 'State' }, h('div', { class: 'state' }, h('span', { class: `pill ${STATE_COLOUR[actor.state] ?? ''}` }, actor.state), unpark)),
    h('td', { class: 'number', 'data-label': 'Generation' }, String(actor.generation), actor.restarts > 0 && h('span', { class: 'sub-inline' }, ` ${actor.restarts}×`)),
    h('td', { 'data-label': 'Mailbox' }, drawMailbox(actor)),
    h('td', { class: 'number', 'data-label': 'Handled/s' }, rate(actor.handled_per_s)),
    h('td', { class: 'number', 'data-label': 'Handling' }, `${microseconds(actor.handling_us.mean)} / ${microseconds(actor.handling_us.max)}`),
    h('td', { class: 'own', 'data-label': 'Own state' }, drawOwn(actor, at_ms)));
}

/** A long name breaks after a slash rather than inside an id. @param {string} name */
function breakable(name) {
  return name.split('/').flatMap((part, i) => (i === 0 ? [part] : ['/', h('wbr'), part]));
}

/** @param {Extract<Row, { type: 'group' }>} row @param {number} at_ms @param {Commands} commands */
function drawGroup({ key, kind, members, open, depth }, at_ms, commands) {
  const troubled = (/** @type {string} */ state) => members.filter((actor) => actor.state === state).length;
  const rates = members.map((actor) => actor.handled_per_s).filter((per_s) => per_s !== null);
  const limited = members.filter((actor) => isLimited(actor, at_ms)).length;
  const worst = members.reduce((a, b) => (b.mailbox.depth / (b.mailbox.capacity || 1) > a.mailbox.depth / (a.mailbox.capacity || 1) ? b : a));
  const handled = members.reduce((sum, actor) => sum + actor.handled, 0);
  const mean_us = handled === 0 ? 0 : members.reduce((sum, actor) => sum + actor.handling_us.mean * actor.handled, 0) / handled;
  return h('tr', { class: 'group' },
    h('th', { scope: 'row', class: `indent-${Math.min(depth, 5)}` }, h('div', { class: 'actor-cell' },
      h('button', { class: 'toggle wide', 'aria-expanded': open, 'data-focus': `group:${key}`, onclick: () => commands.onToggle(key, !open) },
        h('span', { class: 'arrow', 'aria-hidden': 'true' }, open ? '▾' : '▸'), h('span', {}, kindWord(kind)), h('span', { class: 'count' }, count(members.length))))),
    h('td', { 'data-label': 'State' }, h('div', { class: 'state' }, [['parked', 'bad'], ['restarting', 'warn'], ['running', 'good']].map(([state, colour]) => troubled(state) > 0 && h('span', { class: `pill ${colour}` }, `${count(troubled(state))} ${state}`)))),
    h('td', { class: 'number', 'data-label': 'Restarts' }, drawRestarts(members)),
    h('td', { 'data-label': 'Fullest mailbox' }, drawMailbox(worst)),
    h('td', { class: 'number', 'data-label': 'Handled/s' }, rate(rates.length === 0 ? null : rates.reduce((a, b) => a + b, 0))),
    h('td', { class: 'number', 'data-label': 'Handling' }, `${microseconds(mean_us)} / ${microseconds(Math.max(...members.map((actor) => actor.handling_us.max)))}`),
    h('td', { class: 'own', 'data-label': 'Own state' }, limited > 0 && h('span', { class: 'mark warn' }, `${count(limited)} limited`)));
}

/** @param {Measured[]} members */
function drawRestarts(members) {
  const restarts = members.reduce((sum, actor) => sum + actor.restarts, 0);
  return restarts === 0 ? h('span', { class: 'muted' }, '–') : h('span', { class: 'sub-inline' }, `${count(restarts)}×`);
}

/** @param {Measured} actor */
function drawMailbox(actor) {
  const { depth, capacity, refused } = actor.mailbox;
  const low = isNearlyFull(actor) ? 'meter full' : 'meter';
  const meter = h('progress', { class: low, max: Math.max(1, capacity), value: Math.min(depth, Math.max(1, capacity)), 'aria-label': 'mailbox' });
  return h('div', { class: 'mailbox' }, meter, h('span', { class: 'mono' }, `${count(depth)}/${count(capacity)}`), refused > 0 && h('span', { class: 'mark bad', title: 'Messages refused because the mailbox was full' }, `${count(refused)} refused`));
}

/** @param {Measured} actor @param {number} at_ms */
function drawOwn(actor, at_ms) {
  if (actor.state === 'parked' && actor.last_panic !== null) return h('span', { class: 'panic-short' }, actor.last_panic);
  const parts = Object.entries(actor.detail ?? {})
    .filter(([key, value]) => key !== 'name' && key !== 'channel_id' && value !== null && typeof value !== 'object')
    .slice(0, SUMMARY_KEYS_MAX)
    .map(([key, value]) => h('span', { class: isTrouble(key, value, at_ms) ? 'fact mark warn' : 'fact' }, factText(key, value, at_ms)));
  if (actor.last_panic !== null) parts.push(h('span', { class: 'mark bad', title: actor.last_panic }, 'panicked before'));
  return h('div', { class: 'facts' }, parts);
}

/** @param {string} key @param {unknown} value @param {number} at_ms */
function isTrouble(key, value, at_ms) {
  return (key === 'limited_until_ms' && Number(value) > at_ms) || (key === 'stuck' && value === true) || (key === 'connected' && value === false);
}

/** @param {string} key @param {unknown} value @param {number} at_ms */
function factText(key, value, at_ms) {
  if (key === 'limited_until_ms' && typeof value === 'number') return value > at_ms ? `limited for ${duration(value - at_ms)}` : 'not limited';
  const word = key.replace(/_(ms|bytes)$/, '').replaceAll('_', ' ');
  if (key.endsWith('_ms') && typeof value === 'number') return `${word} ${value > MOMENT_MS_MIN ? relativeTime(value, at_ms) : duration(value)}`;
  return `${word} ${typeof value === 'number' ? count(value) : String(value).slice(0, FACT_LENGTH_MAX)}`;
}

/** @param {Measured} actor @param {number} depth */
function drawDetail(actor, depth) {
  const shown = { name: actor.name, kind: actor.kind, parent: actor.parent, handled: actor.handled, ...actor.detail };
  const facts = Object.entries(shown).map(([key, value]) => h('div', {}, h('dt', {}, key), h('dd', { class: 'mono' }, typeof value === 'object' ? JSON.stringify(value) : String(value))));
  return h('tr', { class: 'detail' }, h('td', { colspan: COLUMNS, class: `indent-${Math.min(depth + 1, 5)}` },
    actor.last_panic !== null && h('div', { class: 'panic' }, h('h3', {}, 'Last panic'), h('pre', { tabindex: '0' }, actor.last_panic)),
    h('dl', { class: 'all-facts' }, facts)));
}

/** @param {string} kind */
function kindWord(kind) {
  const words = kind.replaceAll('_', ' ');
  return `${words[0].toUpperCase()}${words.slice(1)}${words.endsWith('s') ? '' : 's'}`;
}
