// One call to the server. The session is the cookie of POST /api/session; a 401 is told to whoever listens, and thrown.

import { problemOf } from './problem';
import type { RouteName, Routes } from './routes';

const TIMEOUT_MS = 15_000;

type Part<N extends RouteName, K extends 'path' | 'query' | 'body'> =
  undefined extends Routes[N][K] ? { [P in K]?: undefined } : K extends 'query' ? { [P in K]?: Routes[N][K] } : { [P in K]: Routes[N][K] };
export type Request<N extends RouteName> = Part<N, 'path'> & Part<N, 'query'> & Part<N, 'body'> & { signal?: AbortSignal };
type Arguments<N extends RouteName> = Record<string, never> extends Request<N> ? [request?: Request<N>] : [request: Request<N>];

let signedOut: () => void = () => {};

/** Who is told when the server wants a sign-in. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/**
 * Calls `METHOD /path/{of}/the/route`. Throws a `Problem` for every answer that is no success, a `DOMException` named `AbortError` when
 * `signal` was aborted.
 */
export async function call<N extends RouteName>(route: N, ...[request]: Arguments<N>): Promise<Routes[N]['answer']> {
  const [method, template] = route.split(' ') as [string, string];
  const { path, query, body, signal } = (request ?? {}) as { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown; signal?: AbortSignal };
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(addressOf(template, path, query), {
    method,
    cache: 'no-store',
    credentials: 'same-origin',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    // JSON even without content: a foreign page cannot send this type without asking the listener first.
    headers: method === 'GET' ? {} : { 'content-type': 'application/json' },
    body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
  });
  if (answer.status === 401 && route !== 'POST /api/session') signedOut();
  if (!answer.ok) throw problemOf(answer.status, await answer.json().catch(() => null));
  if (answer.status === 204) return null as Routes[N]['answer'];
  const is_json = answer.headers.get('content-type')?.includes('json') ?? false;
  return (is_json ? await answer.json() : await answer.text()) as Routes[N]['answer'];
}

/** The path with its parts filled in and the query behind it; what is null, undefined or empty in the query is left out. */
export function addressOf(template: string, path: Record<string, unknown> = {}, query: Record<string, unknown> = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = path[name];
    if (value === undefined || value === null || value === '') throw new TypeError(`${template} needs ${name}`);
    return encodeURIComponent(String(value));
  });
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') asked.set(name, String(value));
  }
  const words = asked.toString();
  return words === '' ? filled : `${filled}?${words}`;
}
