// @ts-check
// Target channels and dead letters as lists of the page, and the trail of one signal. What a person decides is handed to
// `commands`; nothing is changed here.

import { h } from '../shared/dom.js';
import { exactTime } from '../shared/format.js';
import { call } from './api.js';
import { atLeast, backlogOf, colourOf, latencyOf, previewOf, stepsOf, whyOf, wordsOf } from './mirrors_core.js';

/**
 * @typedef {import('./mirrors_core.js').Target} Target
 * @typedef {import('./lists_view.js').Commands} Commands
 */

/** @param {string | null} name @param {string} id @param {string | null} [guild] */
function channel(name, id, guild = null) {
  return h('div', {}, h('div', { class: 'strong' }, name === null ? id : `#${name}`), h('div', { class: 'sub mono' }, [guild, name === null ? null : id].filter((part) => part !== null).join(' · ')));
}

/** @param {string} words @param {() => void} onclick */
function button(words, onclick) {
  return h('button', { class: 'button small', type: 'button', onclick }, words);
}

/** @type {import('./lists_view.js').List} */
export const MIRRORS = {
  path: '/api/targets', details: true,
  empty: 'No target channel yet. A mapping makes one.',
  columns: [
    { title: 'Target', draw: (target) => channel(target.name, target.target_channel_id, target.guild_name ?? target.guild_id) },
    { title: 'State', draw: (target) => h('div', {}, h('span', { class: `pill ${colourOf(target.state)}` }, wordsOf(target.state)), h('div', { class: 'sub' }, whyOf(/** @type {Target} */ (target), Date.now()))) },
    { title: 'Backlog', draw: (target) => backlogOf(/** @type {Target} */ (target), Date.now()) },
    { title: 'Dead letters', draw: (target) => atLeast(target.dead_letters, target.dead_letters_are_more) },
    { title: 'Create p50 / p95 / p99', draw: (target) => latencyOf(target.latency.create) },
    { title: 'Edit', draw: (target) => latencyOf(target.latency.edit) },
    { title: 'Delete', draw: (target) => latencyOf(target.latency.delete) },
    { title: 'Actions', draw: (target, commands) => (target.is_paused ? button('Resume', () => commands.resume(target)) : button('Pause', () => commands.pause(target))) },
  ],
};

/** @type {import('./lists_view.js').List} */
export const DEAD_LETTERS = {
  path: '/api/dead-letters', details: true,
  empty: 'No dead letter: every delivery was made or is still tried.',
  columns: [
    { title: 'Signal', draw: (letter, commands) => h('button', { class: 'actor-name mono', type: 'button', title: 'Show its trail', onclick: () => commands.trail(letter.signal_id) }, letter.signal_id) },
    { title: 'Target', draw: (letter) => h('span', { class: 'mono' }, letter.target_channel_id) },
    { title: 'Reason', draw: (letter) => h('div', {}, letter.reason ?? 'no reason was said', h('div', { class: 'sub' }, `${letter.attempts} attempts, wanted since ${exactTime(letter.wanted_at_ms)}`)) },
    { title: 'Says', draw: (letter) => previewOf(letter.payload) },
    { title: 'Actions', draw: (letter, commands) => h('div', { class: 'actions-cell' },
      button('Redrive', () => commands.redrive(letter)),
      button('All of the target', () => commands.redriveTarget(letter)),
      button('Drop', () => commands.drop(letter))) },
  ],
};

export class TrailView {
  /** @param {HTMLElement} place @param {(error: unknown) => void} onError */
  constructor(place, onError) {
    this.place = place;
    this.onError = onError;
    this.input = h('input', { class: 'input', id: 'trail-id', type: 'search', inputmode: 'numeric', pattern: '[0-9]{1,20}', placeholder: 'Id of a signal', autocomplete: 'off', spellcheck: 'false', required: true });
    this.steps = h('ol', { class: 'trail' });
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.show(this.input.value.trim());
    };
    place.replaceChildren(
      h('form', { class: 'tools', onsubmit: submit }, h('label', { class: 'visually-hidden', for: 'trail-id' }, 'Id of a signal'), this.input, h('button', { class: 'button primary' }, 'Show')),
      this.steps,
    );
  }

  /** @param {string} signal_id */
  async show(signal_id) {
    this.input.value = signal_id;
    this.steps.replaceChildren(h('li', { class: 'empty' }, 'Loading…'));
    try {
      const trail = await call(`/api/signals/${encodeURIComponent(signal_id)}/trail`);
      if (this.input.value === signal_id) this.steps.replaceChildren(...stepsOf(trail).map(drawStep));
    } catch (error) {
      this.steps.replaceChildren(h('li', { class: 'empty' }, error instanceof Error ? error.message : 'It could not be loaded.'));
      this.onError(error);
    }
  }
}

/** @param {import('./mirrors_core.js').Step} step */
function drawStep(step) {
  return h('li', {},
    step.at_ms === null ? h('span', { class: 'muted' }, '–') : h('time', { class: 'mono', datetime: new Date(step.at_ms).toISOString() }, exactTime(step.at_ms)),
    h('div', {}, h('span', { class: `pill ${step.colour}` }, step.title), h('p', { class: 'sub' }, step.text),
      step.links.map((link, n) => h('a', { class: 'part', href: link, target: '_blank', rel: 'noreferrer' }, `message ${n + 1}`))));
}
