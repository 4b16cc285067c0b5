// Own states in words.

import { expect, test } from 'vitest';
import { allFacts, factsOf } from './facts_core';

test('plain facts, in words, trouble marked', () => {
  const now = 1_800_000_000_000;
  const facts = factsOf({ name: 'x', backlog: 1200, oldest_age_ms: 1500, limited_until_ms: now + 2000, tasks: [1], none: null, connected: false, late: 1 }, now);
  expect(facts.map((fact) => fact.text)).toEqual(['backlog 1,200', 'oldest age 1.5 s', 'limited for 2.0 s', 'connected false']);
  expect(facts.map((fact) => fact.is_trouble)).toEqual([false, false, true, true]);
  expect(factsOf({ limited_until_ms: now - 1, seen_at_ms: now - 60_000 }, now).map((fact) => fact.text)).toEqual(['not limited', 'seen at 1 min ago']);
  expect(allFacts({ a: [1], b: null, c: 'd' })).toEqual([{ key: 'a', text: '[1]' }, { key: 'b', text: 'null' }, { key: 'c', text: 'd' }]);
});
