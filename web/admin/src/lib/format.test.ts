// Words for numbers and states.

import { expect, test } from 'vitest';
import { atLeast, channelKind, channelWords, plural, sentence, toneOf, until, words } from './format';

test('counts and states', () => {
  expect([plural(1, 'channel'), plural(2, 'channel'), plural(1200, 'entry', 'entries')]).toEqual(['1 channel', '2 channels', '1,200 entries']);
  expect([atLeast(10_000, true), atLeast(3, false)]).toEqual(['more than 10,000', '3']);
  expect([words('dead_letter'), sentence('no'), sentence('')]).toEqual(['dead letter', 'No', '']);
  expect([toneOf('healthy'), toneOf('parked'), toneOf('odd')]).toEqual(['good', 'bad', '']);
});

test('how long until', () => {
  const table: [number, string][] = [[-1, 'over'], [0, 'over'], [400, 'in 1 s'], [42_000, 'in 42 s'], [90 * 60_000, 'in 2 h'], [3 * 86_400_000, 'in 3 d']];
  for (const [left_ms, expected] of table) expect(until(1000 + left_ms, 1000)).toBe(expected);
});

test('kinds of channels', () => {
  expect([0, 2, 5, 15, null].map((kind) => channelKind(kind).icon)).toEqual(['text', 'voice', 'news', 'forum', 'text']);
});

test('a channel by its name, else by its id', () => {
  const table: [string | null, string][] = [['calls', '#calls'], [null, '17'], ['17', '17']];
  for (const [name, text] of table) expect(channelWords({ channel_id: '17', name })).toBe(text);
});
