// @ts-check
// The operator's page: looks at the actors once a second, draws what it saw, and carries out what a person decides.

import { byId, setText } from '../shared/dom.js';
import { forgetToken, getActors, keepToken, SignedOut, unpark } from './api.js';
import { CardsView } from './cards_view.js';
import { ListView } from './lists_view.js';
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
const lists = new ListView(byId('view-list'), onError);
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
  byId('view-list').hidden = name === 'actors';
  if (name === 'actors') {
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
  const dialog = /** @type {HTMLDialogElement} */ (byId('confirm'));
  setText(byId('confirm-title'), `Start ${actor.name} again?`);
  setText(byId('confirm-text'), actor.last_panic === null ? 'It is parked: it used up its restarts.' : `It is parked: it used up its restarts. Last panic: ${actor.last_panic}`);
  setText(byId('confirm-yes'), 'Unpark');
  dialog.returnValue = 'no';
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    try {
      await unpark(actor.name);
      await poll();
    } catch (error) {
      onError(error);
    }
  };
  dialog.showModal();
}
