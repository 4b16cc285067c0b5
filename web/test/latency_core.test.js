// Ages of live frames under clocks that differ, and their percentiles.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correctionMs, newLatency, noteLiveFrame, noteServerTime, percentile } from '../live/latency_core.js';

test('the age is now minus accepted, never negative', () => {
  const latency = newLatency();
  assert.equal(noteLiveFrame(latency, 1000, 1012), 12);
  assert.equal(noteLiveFrame(latency, 1000, 990), 0);
});

test('a clock behind is corrected at once, one ahead only by seconds', () => {
  const table = [[[40], 40], [[-30], 0], [[-1999], 0], [[-5000], -5000], [[-5000, -4200, -4900], -4200], [[], 0]];
  for (const [differences, correction] of table) {
    const latency = newLatency();
    for (const difference of differences) noteServerTime(latency, 100_000 + difference, 100_000);
    assert.equal(correctionMs(latency), correction, JSON.stringify(differences));
  }
  const behind = newLatency();
  noteServerTime(behind, 100_500, 100_000);
  assert.equal(noteLiveFrame(behind, 100_490, 100_010), 20);
});

test('percentiles by nearest rank over the last 200', () => {
  const latency = newLatency();
  assert.equal(percentile(latency, 50), null);
  for (let i = 1; i <= 100; i += 1) noteLiveFrame(latency, 0, i);
  assert.deepEqual([50, 95, 100].map((p) => percentile(latency, p)), [50, 95, 100]);
  for (let i = 0; i < 200; i += 1) noteLiveFrame(latency, 0, 7);
  assert.deepEqual([percentile(latency, 50), percentile(latency, 100), latency.samples.length], [7, 7, 200]);
});
