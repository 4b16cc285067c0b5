// @ts-check
// The HTTP calls of the live page. Every call ends within a limit; 401 has its own error because it means "sign in".

const TIMEOUT_MS = 15_000;

export class SignedOut extends Error {}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function call(path, init = {}) {
  const answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  if (answer.status === 401) throw new SignedOut('signed out');
  if (!answer.ok) throw new Error(`${path.split('?')[0]} answered ${answer.status}`);
  return answer;
}

/** @returns {Promise<{ name: string, tier: number }>} */
export async function getMe() {
  return (await call('/api/me')).json();
}

/** @returns {Promise<import('./feed_core.js').ChannelInfo[]>} */
export async function getChannels() {
  return (await (await call('/api/channels')).json()).channels;
}

/**
 * @param {string} channel_id
 * @param {number} limit
 * @param {string | null} [before]
 * @returns {Promise<{ cursor: { epoch: number, seq: number }, signals: import('../protocol').Signal[], next_before: string | null }>}
 */
export async function getSignals(channel_id, limit, before = null) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (before !== null) query.set('before', before);
  return (await call(`/api/channels/${encodeURIComponent(channel_id)}/signals?${query}`)).json();
}

/** @param {string} token */
export async function openSession(token) {
  await call('/api/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) });
}

export async function closeSession() {
  await call('/api/session', { method: 'DELETE' });
}
