// Back-off, closes, frames and watches.

import { expect, test } from 'vitest';
import { afterClose, closeWords, concerns, failuresAfterClose, readFrame, retryDelayMs, Watches } from './connection_core';

test('the delay is random below a ceiling that doubles to ten seconds', () => {
  const table: [number, number, number][] = [[0, 0, 100], [0, 0.999999, 500], [1, 0.999999, 1000], [3, 0.5, 2000], [10, 0.999999, 10_000], [5000, 0.5, 5000]];
  for (const [failures, dice, expected] of table) expect(retryDelayMs(failures, () => dice)).toBe(expected);
});

test('a connection that lasted forgives the failures before it', () => {
  expect([failuresAfterClose(4, null), failuresAfterClose(4, 19_999), failuresAfterClose(4, 20_000)]).toEqual([5, 5, 0]);
});

test('what follows a close', () => {
  const table: [number, string][] = [[1006, 'retry'], [1000, 'retry'], [4000, 'retry'], [4001, 'retry'], [4099, 'retry'], [4400, 'reload'], [4401, 'sign_in'], [4403, 'sign_in'], [4429, 'reload'], [4500, 'retry']];
  for (const [code, expected] of table) expect(afterClose(code), String(code)).toBe(expected);
  expect(closeWords(4000)).toContain('restarting');
  expect(closeWords(1006)).toContain('lost');
});

test('only objects with a type are frames', () => {
  expect(readFrame('{"type":"changed","topics":["bot"]}')).toEqual({ type: 'changed', topics: ['bot'] });
  for (const text of ['', 'null', '[]', '{"type":1}', '7', new ArrayBuffer(2)]) expect(readFrame(text)).toBeNull();
});

test('a topic is watched while anybody wants it', () => {
  const watches = new Watches();
  expect(watches.isEmpty).toBe(true);
  expect([watches.add('signals'), watches.add('signals'), watches.add('actors')]).toEqual([true, false, true]);
  expect(JSON.parse(watches.frame())).toEqual({ type: 'watch', topics: ['actors', 'signals'] });
  expect([watches.remove('signals'), watches.remove('signals'), watches.remove('actors')]).toEqual([false, true, true]);
  expect(JSON.parse(watches.frame())).toEqual({ type: 'watch', topics: [] });
});

test('a page reads anew what concerns it', () => {
  expect(concerns(['mappings', 'channels'], ['audit', 'channels'])).toBe(true);
  expect(concerns([], ['audit'])).toBe(false);
});
