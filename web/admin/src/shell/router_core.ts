// Which page an address is. Pure: the address comes in as text.

export interface Match<P> { page: P; params: Record<string, string> }

/** The first page whose pattern (`/connectors/:connector_id`) is this path. */
export function match<P extends { path: string }>(pages: readonly P[], pathname: string): Match<P> | null {
  const parts = split(pathname);
  if (parts === null) return null;
  for (const page of pages) {
    const params = paramsOf(page.path.split('/').filter(Boolean), parts);
    if (params !== null) return { page, params };
  }
  return null;
}

function paramsOf(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const wanted = pattern[i] as string;
    if (wanted.startsWith(':')) params[wanted.slice(1)] = part;
    else if (wanted !== part) return null;
  }
  return params;
}

function split(pathname: string): string[] | null {
  try {
    return pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** The query with these changes; null or empty takes a key out. */
export function withQuery(search: string, changes: Record<string, string | null | undefined>): string {
  const query = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') query.delete(key);
    else query.set(key, value);
  }
  const words = query.toString();
  return words === '' ? '' : `?${words}`;
}
