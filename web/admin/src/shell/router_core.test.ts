// Patterns and queries.

import { expect, test } from 'vitest';
import { match, withQuery } from './router_core';

const PAGES = [{ path: '/' }, { path: '/connectors' }, { path: '/connectors/new' }, { path: '/connectors/:connector_id' }, { path: '/connectors/:connector_id/guilds/:guild_id' }];

test('the first pattern that fits', () => {
  const table: [string, string | null, Record<string, string>][] = [
    ['/', '/', {}], ['', '/', {}], ['/connectors', '/connectors', {}], ['/connectors/', '/connectors', {}], ['/connectors/new', '/connectors/new', {}],
    ['/connectors/a%2Fb', '/connectors/:connector_id', { connector_id: 'a/b' }],
    ['/connectors/c/guilds/7', '/connectors/:connector_id/guilds/:guild_id', { connector_id: 'c', guild_id: '7' }],
    ['/nothing', null, {}], ['/connectors/%E0%A4%A', null, {}],
  ];
  for (const [pathname, path, params] of table) {
    const found = match(PAGES, pathname);
    expect(found?.page.path ?? null, pathname).toBe(path);
    if (found !== null) expect(found.params).toEqual(params);
  }
});

test('a query with changes', () => {
  expect(withQuery('?a=1&b=2', { a: null, c: 'x y' })).toBe('?b=2&c=x+y');
  expect(withQuery('?a=1', { a: '' })).toBe('');
  expect(withQuery('', { q: undefined })).toBe('');
});
