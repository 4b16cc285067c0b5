// @ts-check
// When to try again and what a close means. Knows no socket and no clock: randomness and times are arguments.

const RETRY_DELAY_MS_MIN = 50;
const RETRY_CEILING_MS_FIRST = 500;
const RETRY_CEILING_MS_MAX = 10_000;
/** A connection that lasted this long was a good one: the next failure starts from the small delay again. */
const STEADY_AFTER_MS = 20_000;
const WATCHDOG_HEARTBEATS = 2.5;

/**
 * The delay before attempt `failures` (0 for the first). Random over the whole range below a doubling ceiling: after a
 * restart of the server thousands of pages come back, and they must not come back together.
 * @param {number} failures consecutive failures so far
 * @param {() => number} random in [0, 1)
 * @returns {number} milliseconds
 */
export function retryDelayMs(failures, random) {
  const ceiling_ms = Math.min(RETRY_CEILING_MS_MAX, RETRY_CEILING_MS_FIRST * 2 ** Math.min(failures, 30));
  return Math.max(RETRY_DELAY_MS_MIN, Math.round(random() * ceiling_ms));
}

/**
 * How many failures count after a connection ended.
 * @param {number} failures before it was opened
 * @param {number | null} lived_ms since its welcome; null when it never got one
 */
export function failuresAfterClose(failures, lived_ms) {
  return lived_ms !== null && lived_ms >= STEADY_AFTER_MS ? 0 : failures + 1;
}

/**
 * How long without any frame until the connection counts as dead.
 * @param {number} heartbeat_ms as said by `welcome`
 */
export function watchdogMs(heartbeat_ms) {
  return heartbeat_ms * WATCHDOG_HEARTBEATS;
}

/**
 * @typedef {{ final: boolean, action: 'wait' | 'sign_in' | 'reload', title: string, advice: string }} CloseMeaning
 */

/** @type {Record<number, [CloseMeaning['action'], string, string]>} */
const MEANINGS = {
  4000: ['wait', 'The server is restarting', 'Nothing is lost: the stream resumes where it stopped.'],
  4001: ['wait', 'This connection was too slow', 'The stream resumes where it stopped.'],
  4002: ['wait', 'The server had a fault', 'The stream resumes where it stopped.'],
  4003: ['wait', 'The server no longer heard this page', 'The stream resumes where it stopped.'],
  4400: ['reload', 'The server did not understand this page', 'It is probably from an older release. Reload it.'],
  4401: ['sign_in', 'You are not signed in', 'Enter a session token to go on.'],
  4403: ['sign_in', 'Your access has ended', 'The session token ran out or was revoked. Renew your access, then enter the new token.'],
  4408: ['reload', 'This page sent too much', 'Reload it. If it happens again, please tell support.'],
  4429: ['reload', 'More channels than one session may follow', 'Ask support to raise the limit or to hide channels you do not need, then reload.'],
};

/**
 * What a WebSocket close code means to the person in front of the page.
 * @param {number} code
 * @returns {CloseMeaning}
 */
export function closeMeaning(code) {
  const known = MEANINGS[code];
  const final = code >= 4400 && code <= 4499;
  if (known !== undefined) return { final, action: known[0], title: known[1], advice: known[2] };
  if (final) return { final, action: 'reload', title: 'The server ended this session', advice: `Reload the page (code ${code}).` };
  return { final, action: 'wait', title: 'The connection was lost', advice: 'The stream resumes where it stopped.' };
}
