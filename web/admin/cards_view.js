// @ts-check
// The summary at the top: each card one number, its meaning, and whether it is as it should be.

import { h, svg } from '../shared/dom.js';
import { count, duration, rate } from '../shared/format.js';

const HISTORY_MAX = 120;
/** A young chart is drawn as if it had this many readings, so that it does not jump. */
const CHART_READINGS_MIN = 30;
const CHART_WIDTH = 120;
const CHART_HEIGHT = 26;

/** @typedef {ReturnType<typeof import('./tree_core.js').summarise>} Summary */

export class CardsView {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {number[]} */
    this.history = [];
  }

  /** @param {Summary} s */
  render(s) {
    if (s.revisions_per_s !== null) this.history = [...this.history, s.revisions_per_s].slice(-HISTORY_MAX);
    const store = s.store_capacity > 0 ? s.store_depth / s.store_capacity : 0;
    this.place.replaceChildren(
      card('Router', s.ready ? 'Ready' : 'Not ready', s.ready ? `${count(s.channels)} source channels` : s.not_ready_reason ?? 'no reason given', s.ready ? 'good' : 'bad'),
      card('Revisions/s', rate(s.revisions_per_s), chart(this.history)),
      card('Sessions', count(s.sessions), s.replaying > 0 ? `${count(s.replaying)} replaying` : 'all live'),
      card('Deliveries pending', count(s.deliveries_pending), s.oldest_age_ms > 0 ? `oldest ${duration(s.oldest_age_ms)}` : 'nothing waits', s.oldest_age_ms > 60_000 ? 'warn' : ''),
      card('Mirrors', `${count(s.mirrors_limited)} / ${count(s.mirrors_parked)}`, `limited / parked, of ${count(s.mirrors)}`, s.mirrors_parked > 0 ? 'bad' : s.mirrors_limited > 0 ? 'warn' : ''),
      card('Actors parked', count(s.parked), s.parked > 0 ? 'stopped until unparked' : 'none stopped', s.parked > 0 ? 'bad' : ''),
      card('Store queue', count(s.store_depth), `of ${count(s.store_capacity)}${s.refused > 0 ? `, ${count(s.refused)} refused anywhere` : ''}`, store >= 0.8 ? 'bad' : store >= 0.4 ? 'warn' : ''),
    );
  }
}

/** @param {string} title @param {string} value @param {string | Node} note @param {string} [colour] */
function card(title, value, note, colour = '') {
  return h('div', { class: `card ${colour}` }, h('h2', {}, title), h('p', { class: 'value' }, value), h('p', { class: 'note' }, note));
}

/** @param {number[]} values */
function chart(values) {
  const top = Math.max(1, ...values);
  const step = CHART_WIDTH / (Math.max(CHART_READINGS_MIN, values.length) - 1);
  const points = values.map((value, i) => `${(CHART_WIDTH - (values.length - 1 - i) * step).toFixed(1)},${(CHART_HEIGHT - 1 - (value / top) * (CHART_HEIGHT - 3)).toFixed(1)}`);
  return svg('svg', { class: 'chart', viewBox: `0 0 ${CHART_WIDTH} ${CHART_HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `the last ${values.length} readings, at most ${rate(top)}` },
    svg('polyline', { points: points.join(' '), fill: 'none' }));
}
