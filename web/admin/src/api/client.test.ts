// Addresses, and what is made of refusals.

import { afterEach, expect, test, vi } from 'vitest';
import { addressOf, call, onSignedOut } from './client';
import { asProblem, fieldProblem, isAborted, Problem, problemOf } from './problem';

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  const asked = vi.fn(async (_address: string, _request: RequestInit) => new Response(body === null ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers }));
  vi.stubGlobal('fetch', asked);
  return asked;
}

test('addresses', () => {
  expect(addressOf('/api/connectors/{connector_id}/guilds/{guild_id}/tree', { connector_id: 'a/b', guild_id: '7' })).toBe('/api/connectors/a%2Fb/guilds/7/tree');
  expect(addressOf('/api/channels', {}, { q: 'a b&c', after: null, guild_id: undefined, use: '', limit: 0 })).toBe('/api/channels?q=a+b%26c&limit=0');
  expect(() => addressOf('/api/x/{id}', {})).toThrow('needs id');
});

test('a success is its body; 204 is null; text stays text', async () => {
  const asked = answering(200, { items: [], next_after: null });
  expect(await call('GET /api/connectors', { query: { limit: 5 } })).toEqual({ items: [], next_after: null });
  expect(asked.mock.calls[0]?.[0]).toBe('/api/connectors?limit=5');
  answering(204, null);
  expect(await call('DELETE /api/connectors/{connector_id}', { path: { connector_id: 'c' }, query: { version: 1 } })).toBeNull();
  answering(200, '# toml', { 'content-type': 'text/plain' });
  expect(await call('GET /api/configuration')).toBe('# toml');
});

test('a refusal is thrown with code, words and field, and 401 is told', async () => {
  answering(422, { ok: false, error_code: 'refused', message: 'no such role', field: 'ping_role_id', correlation_id: 'c1' });
  await expect(call('POST /api/mappings', { body: { source_channel_id: '1', target_channel_id: '2' } })).rejects.toMatchObject({ status: 422, code: 'refused', field: 'ping_role_id', correlation_id: 'c1' });
  const told = vi.fn();
  onSignedOut(told);
  answering(401, { error_code: 'unauthorized', message: 'no' });
  await expect(call('GET /api/bot')).rejects.toBeInstanceOf(Problem);
  expect(told).toHaveBeenCalledTimes(1);
  await expect(call('POST /api/session', { body: { token: 'x' } })).rejects.toMatchObject({ code: 'unauthorized' });
  expect(told).toHaveBeenCalledTimes(1);
});

test('problems of all origins', () => {
  expect(problemOf(502, null)).toMatchObject({ code: 'status_502', message: 'The server answered 502.' });
  expect(asProblem(new TypeError('Failed to fetch'))).toMatchObject({ code: 'unreachable' });
  expect(asProblem(new DOMException('late', 'TimeoutError'))).toMatchObject({ code: 'timed_out' });
  expect(asProblem('odd')).toMatchObject({ code: 'fault', message: 'odd' });
  expect(isAborted(new DOMException('', 'AbortError'))).toBe(true);
});

test('a problem belongs to its field and to those above it', () => {
  const problem = problemOf(400, { error_code: 'invalid', message: 'bad', field: 'filters_json.regex_any[1]' });
  const table: [string, string | null][] = [['filters_json', 'bad'], ['filters_json.regex_any', 'bad'], ['filters_json.regex_any[1]', 'bad'], ['filters_json.regex', null], ['tier', null]];
  for (const [field, words] of table) expect(fieldProblem(problem, field), field).toBe(words);
  expect(fieldProblem(null, 'tier')).toBeNull();
});
