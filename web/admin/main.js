// @ts-check
// The operator's page: looks at the actors once a second, draws what it saw, and carries out what a person decides.

import { byId, setText } from '../shared/dom.js';
import { call, forgetToken, getActors, keepToken, SignedOut, unpark } from './api.js';
import { CardsView } from './cards_view.js';
import { ListView } from './lists_view.js';
import { TrailView } from './mirrors_view.js';
import { measure, rowsOf, summarise } from './tree_core.js';
import { drawTree } from './tree_view.js';

const POLL_EVERY_MS = 1000;
const POLL_FAILED_EVERY_MS = 3000;

/** @typedef {import('./tree_core.js').Snapshot} Snapshot */

/** @type {Snapshot | null} */
let before = null;
/** @type {Snapshot | null} */
let now = null;
let paused = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
const choice = { needle: '', trouble: false, opened: new Map(), whole: new Set() };
const detailed = new Set();
const cards = new CardsView(byId('cards'));
const lists = new ListView(byId('view-list'), onError, {
  pause: (target) => decide({ title: `Pause ${nameOf(target)}?`, text: 'Nothing is sent there until it is resumed. What is wanted waits, in order.', yes: 'Pause' },
    () => call(`/api/targets/${target.target_channel_id}/pause`, { method: 'POST', body: { version: target.version } })),
  resume: (target) => decide({ title: `Resume ${nameOf(target)}?`, text: 'What has waited is sent now, in order.', yes: 'Resume' },
    () => call(`/api/targets/${target.target_channel_id}/resume`, { method: 'POST', body: { version: target.version } })),
  redrive: (letter) => decide({ title: 'Try this delivery again?', text: `Signal ${letter.signal_id}, as it reads now.`, yes: 'Redrive' },
    () => call('/api/dead-letters/redrive', { method: 'POST', body: { items: [keyOf(letter)] } })),
  redriveTarget: (letter) => decide({ title: `Try all dead letters of ${letter.target_channel_id} again?`, text: 'Up to 1,000 at a time, oldest first.', yes: 'Redrive all' },
    () => call('/api/dead-letters/redrive', { method: 'POST', body: { target_channel_id: letter.target_channel_id } })),
  drop: (letter) => decide({ title: 'Drop this delivery?', text: 'It is never tried again, also when the signal is edited. What stands in Discord stays there.', yes: 'Drop', reason: true },
    (reason) => call('/api/deliveries/drop', { method: 'POST', body: { items: [keyOf(letter)], reason } })),
  trail: (signal_id) => {
    showTab(byId('tab-trail'));
    void trail.show(signal_id);
  },
});
const trail = new TrailView(byId('view-trail'), onError);
const commands = {
  onToggle: (/** @type {string} */ key, /** @type {boolean} */ open) => drawAfter(() => choice.opened.set(key, open)),
  onWhole: (/** @type {string} */ key) => drawAfter(() => choice.whole.add(key)),
  onDetail: (/** @type {string} */ name) => drawAfter(() => detailed.delete(name) || detailed.add(name)),
  onUnpark: askUnpark,
};

listen();
void poll();

function listen() {
  byId('sign-in-form').addEventListener('submit', (event) => {
    event.preventDefault();
    keepToken(/** @type {HTMLInputElement} */ (byId('token')).value.trim());
    void poll();
  });
  byId('search').addEventListener('input', (event) => drawAfter(() => {
    choice.needle = /** @type {HTMLInputElement} */ (event.target).value.trim().toLowerCase();
  }));
  byId('only-trouble').addEventListener('click', () => drawAfter(() => {
    choice.trouble = !choice.trouble;
    byId('only-trouble').setAttribute('aria-pressed', String(choice.trouble));
  }));
  byId('pause').addEventListener('click', () => {
    paused = !paused;
    byId('pause').setAttribute('aria-pressed', String(paused));
    if (paused) showPoll('warn', 'paused');
    void poll();
  });
  byId('tabs').addEventListener('click', (event) => {
    if (event.target instanceof HTMLElement && event.target.id.startsWith('tab-')) showTab(event.target);
  });
  byId('tabs').addEventListener('keydown', onTabKey);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && poll());
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    byId('search').focus();
  });
}

async function poll() {
  clearTimeout(timer);
  if (paused || document.visibilityState === 'hidden') return;
  let next_ms = POLL_EVERY_MS;
  try {
    const snapshot = await getActors();
    // The server's clock has not moved: the same look twice says nothing about rates.
    if (now !== null && snapshot.at_ms > now.at_ms) before = now;
    now = snapshot;
    byId('app').hidden = false;
    byId('sign-in').hidden = true;
    byId('notice').hidden = true;
    showPoll(paused ? 'warn' : 'good', paused ? 'paused' : 'live');
    draw();
  } catch (error) {
    onError(error);
    if (error instanceof SignedOut) return;
    showPoll('bad', 'no answer');
    next_ms = POLL_FAILED_EVERY_MS;
  }
  clearTimeout(timer);
  timer = setTimeout(poll, next_ms);
}

function draw() {
  if (now === null) return;
  const actors = measure(now, before);
  cards.render(summarise(actors, now.at_ms, now, before));
  setText(byId('clock'), new Date(now.at_ms).toLocaleTimeString());
  if (!byId('view-actors').hidden) drawTree(byId('tree'), rowsOf(actors, now.at_ms, choice), { at_ms: now.at_ms, detailed }, commands);
}

/** @param {() => void} change */
function drawAfter(change) {
  change();
  draw();
}

/** @param {unknown} error */
function onError(error) {
  byId('app').hidden = error instanceof SignedOut;
  byId('sign-in').hidden = !(error instanceof SignedOut);
  if (error instanceof SignedOut) {
    setText(byId('sign-in-error'), forgetToken() ? 'This is not the token of this server.' : '');
    byId('token').focus();
    return;
  }
  byId('notice').hidden = false;
  setText(byId('notice-text'), error instanceof Error && error.name !== 'TypeError' ? error.message : 'The admin listener does not answer. What is shown below is the last that was heard.');
}

/** @param {'good' | 'warn' | 'bad'} colour @param {string} word */
function showPoll(colour, word) {
  byId('poll').className = `pill ${colour}`;
  setText(byId('poll'), word);
}

/** @param {HTMLElement} tab */
function showTab(tab) {
  for (const other of byId('tabs').querySelectorAll('[role="tab"]')) {
    other.setAttribute('aria-selected', String(other === tab));
    if (other === tab) other.removeAttribute('tabindex');
    else other.setAttribute('tabindex', '-1');
  }
  byId('panel').setAttribute('aria-labelledby', tab.id);
  const name = tab.id.slice('tab-'.length);
  byId('view-actors').hidden = name !== 'actors';
  byId('view-trail').hidden = name !== 'trail';
  byId('view-list').hidden = name === 'actors' || name === 'trail';
  if (name === 'actors' || name === 'trail') {
    lists.close();
    draw();
  } else {
    void lists.open(name);
  }
}

/** @param {KeyboardEvent} event */
function onTabKey(event) {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  const tabs = [...byId('tabs').querySelectorAll('[role="tab"]')];
  const at = tabs.findIndex((tab) => tab === document.activeElement);
  if (step === 0 || at === -1) return;
  const next = tabs[(at + step + tabs.length) % tabs.length];
  if (next instanceof HTMLElement) {
    next.focus();
    showTab(next);
  }
}

/** @param {import('./tree_core.js').Measured} actor */
function askUnpark(actor) {
  const text = actor.last_panic === null ? 'It is parked: it used up its restarts.' : `It is parked: it used up its restarts. Last panic: ${actor.last_panic}`;
  ask({ title: `Start ${actor.name} again?`, text, yes: 'Unpark' }, async () => {
    await unpark(actor.name);
    await poll();
  });
}

/**
 * Asks, does it, and shows the list as it is then.
 * @param {Question} question
 * @param {(reason: string) => Promise<unknown>} act
 */
function decide(question, act) {
  ask(question, async (reason) => {
    await act(reason);
    if (lists.shown !== '') await lists.open(lists.shown);
  });
}

/**
 * `reason`: it must be said.
 * @typedef {{ title: string, text: string, yes: string, reason?: boolean }} Question
 * @param {Question} question
 * @param {(reason: string) => Promise<unknown>} act
 */
function ask({ title, text, yes, reason = false }, act) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('confirm'));
  const input = /** @type {HTMLInputElement} */ (byId('confirm-reason'));
  setText(byId('confirm-title'), title);
  setText(byId('confirm-text'), text);
  setText(byId('confirm-yes'), yes);
  byId('confirm-reason-row').hidden = !reason;
  input.required = reason;
  input.value = '';
  dialog.returnValue = 'no';
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    try {
      await act(input.value.trim());
    } catch (error) {
      onError(error);
    }
  };
  dialog.showModal();
}

/** @param {Record<string, any>} target */
function nameOf(target) {
  return target.name === null ? target.target_channel_id : `#${target.name}`;
}

/** @param {Record<string, any>} letter */
function keyOf({ signal_id, target_channel_id }) {
  return { signal_id, target_channel_id };
}
