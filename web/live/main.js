// @ts-check
// Starts the live page: finds out who is looking, asks for a token when nobody is, wires the stream to the dashboard, and
// says in words how the connection is.

import { byId, setText } from '../shared/dom.js';
import { closeSession, getChannels, getMe, openSession, SignedOut } from './api.js';
import { Dashboard, setMenu } from './dashboard.js';
import { newFeed } from './feed_core.js';
import { retryDelayMs } from './reconnect_core.js';
import { restoreFeed, saveFeed } from './saved_core.js';
import { Stream } from './stream.js';

const SAVED = 'heliograph.feed';
/** A gap shorter than this is not worth a notice. */
const NOTICE_AFTER_MS = 2500;
/** Whether this page still belongs to someone: after signing out nothing more is written. */
let keepsFeed = true;

byId('sign-in-form').addEventListener('submit', signIn);
byId('sign-out').addEventListener('click', signOut);
byId('menu').addEventListener('click', () => setMenu(byId('menu').getAttribute('aria-expanded') !== 'true'));
byId('scrim').addEventListener('click', () => setMenu(false));
addEventListener('keydown', (event) => event.key === 'Escape' && setMenu(false));
void start(0);

/** @param {number} failures */
async function start(failures) {
  try {
    const [me, channels] = await Promise.all([getMe(), getChannels()]);
    openDashboard(me, channels);
  } catch (error) {
    if (error instanceof SignedOut) {
      showSignIn();
      return;
    }
    byId('app').hidden = false;
    showConnection('bad', 'unreachable');
    showNotice('The server cannot be reached', 'This page keeps trying.', true, null);
    setTimeout(() => start(failures + 1), retryDelayMs(failures + 1, Math.random));
  }
}

/**
 * @param {{ name: string, tier: number }} me
 * @param {import('./feed_core.js').ChannelInfo[]} channels
 */
function openDashboard(me, channels) {
  const viewer = `${me.name}/${me.tier}`;
  const feed = restoreFeed(readSaved(), viewer) ?? newFeed();
  byId('app').hidden = false;
  byId('sign-in').hidden = true;
  byId('sign-out').hidden = false;
  hideNotice();
  setText(byId('viewer'), `${me.name} · tier ${me.tier}`);
  const dashboard = new Dashboard(feed);
  const notice = connectionNotice();
  const stream = new Stream(feed, {
    onOutcomes: (outcomes) => dashboard.onOutcomes(outcomes),
    onConnected: notice.connected,
    onGoingAway: notice.goingAway,
    onLost: notice.lost,
    onSignedOut: () => {
      endKeeping();
      location.reload();
    },
  });
  dashboard.stream = stream;
  stream.start(channels);
  const save = () => writeSaved(saveFeed(feed, viewer));
  addEventListener('pagehide', save);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && save());
}

/** How the connection is, in the pill and, when it lasts, in a notice. */
function connectionNotice() {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;
  return {
    connected() {
      clearTimeout(later);
      later = undefined;
      hideNotice();
      showConnection('good', 'live');
    },
    goingAway() {
      showConnection('warn', 'server restarting');
    },
    /** @param {import('./reconnect_core.js').CloseMeaning} meaning @param {number | null} retry_at_ms */
    lost(meaning, retry_at_ms) {
      if (retry_at_ms === null) {
        clearTimeout(later);
        showConnection('bad', 'ended');
        if (meaning.action === 'sign_in') endKeeping();
        if (meaning.action === 'sign_in') showNotice(meaning.title, meaning.advice, true, ['Enter a token', showSignIn]);
        else showNotice(meaning.title, meaning.advice, true, ['Reload', () => location.reload()]);
        return;
      }
      showConnection('warn', 'reconnecting');
      later ??= setTimeout(() => showNotice(meaning.title, meaning.advice, false, null), NOTICE_AFTER_MS);
    },
  };
}

/** @param {'good' | 'warn' | 'bad'} colour @param {string} word */
function showConnection(colour, word) {
  byId('connection').className = `pill ${colour}`;
  setText(byId('connection'), word);
}

/**
 * @param {string} title @param {string} advice @param {boolean} bad
 * @param {[string, () => void] | null} action
 */
function showNotice(title, advice, bad, action) {
  byId('notice').hidden = false;
  byId('notice').classList.toggle('bad', bad);
  setText(byId('notice-title'), title);
  setText(byId('notice-advice'), advice);
  const button = /** @type {HTMLButtonElement} */ (byId('notice-action'));
  button.hidden = action === null;
  setText(button, action?.[0] ?? '');
  button.onclick = action?.[1] ?? null;
}

function hideNotice() {
  byId('notice').hidden = true;
}

function showSignIn() {
  byId('app').hidden = true;
  byId('sign-in').hidden = false;
  byId('token').focus();
}

/** @param {SubmitEvent} event */
async function signIn(event) {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId('token'));
  const submit = /** @type {HTMLButtonElement} */ (byId('sign-in-submit'));
  submit.disabled = true;
  setText(byId('sign-in-error'), '');
  try {
    await openSession(field.value.trim());
    endKeeping();
    location.reload();
  } catch (error) {
    const unknown = error instanceof SignedOut;
    setText(byId('sign-in-error'), unknown ? 'This token is unknown, revoked or has run out.' : 'The server could not be reached. Try again.');
    submit.disabled = false;
    field.select();
  }
}

async function signOut() {
  try {
    await closeSession();
    endKeeping();
    location.reload();
  } catch {
    showNotice('Signing out did not work', 'The server could not be reached. Try again.', true, null);
  }
}

function readSaved() {
  try {
    return sessionStorage.getItem(SAVED);
  } catch {
    return null;
  }
}

/** @param {string} text */
function writeSaved(text) {
  if (!keepsFeed) return;
  try {
    sessionStorage.setItem(SAVED, text);
  } catch {
    // Full or forbidden: an old copy would resume, but with signals that were never shown; better to start over.
    forgetSaved();
  }
}

/** Leaving this page also saves the feed, so forgetting it is not enough. */
function endKeeping() {
  keepsFeed = false;
  forgetSaved();
}

function forgetSaved() {
  try {
    sessionStorage.removeItem(SAVED);
  } catch {
    // Nothing is kept where storage is forbidden.
  }
}
