// Words for what became of replayed items.

import { expect, test } from 'vitest';
import { outcomeWords, tally } from './quarantine_core';

test('a tally says how many of each', () => {
  const results = ['accepted', 'rejected', 'accepted', 'new_word'].map((outcome, i) => ({ quarantine_id: i, outcome, reason: null }));
  expect(tally(results)).toBe('2 accepted, 1 rejected again, 1 new_word');
  expect([tally([]), outcomeWords('held')]).toEqual(['', 'held until its create comes']);
});
