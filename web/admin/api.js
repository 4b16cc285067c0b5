// @ts-check
// The HTTP calls of the operator's page. The token, when the listener wants one, lives in this tab only.

const TOKEN = 'heliograph.admin_token';
const TIMEOUT_MS = 8000;

export class SignedOut extends Error {}

/** A refusal with the words of the server. */
export class Refused extends Error {}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** @returns {boolean} whether there was one */
export function forgetToken() {
  const had = sessionStorage.getItem(TOKEN) !== null;
  sessionStorage.removeItem(TOKEN);
  return had;
}

/**
 * @param {string} path
 * @param {{ method?: string, body?: unknown }} [request]
 * @returns {Promise<any>} the JSON of the answer, null when it has none
 */
export async function call(path, { method = 'GET', body } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  /** @type {Record<string, string>} */
  const headers = {};
  if (token !== null) headers.authorization = `Bearer ${token}`;
  // JSON even without content: a foreign page cannot send this type without asking the listener first.
  if (method !== 'GET') headers['content-type'] = 'application/json';
  const answer = await fetch(path, {
    method, headers, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(TIMEOUT_MS),
    body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
  });
  if (answer.status === 401) throw new SignedOut('the admin listener wants a token');
  if (!answer.ok) throw new Refused(await refusal(answer));
  return answer.status === 204 ? null : answer.json();
}

/** @param {Response} answer */
async function refusal(answer) {
  try {
    const { message, error_code } = await answer.json();
    return message || error_code || `answered ${answer.status}`;
  } catch {
    return `answered ${answer.status}`;
  }
}

/** @returns {Promise<import('./tree_core.js').Snapshot>} */
export function getActors() {
  return call('/debug/actors');
}

/** @param {string} name */
export function unpark(name) {
  return call(`/api/actors/${encodeURIComponent(name)}/unpark`, { method: 'POST' });
}
