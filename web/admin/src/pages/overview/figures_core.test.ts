// Figures as lines.

import { expect, test } from 'vitest';
import type { FigurePoint } from '../../api/types';
import { latencyWords, latest, linesOf, throughputWords, withMinute } from './figures_core';

const point = (minute: number, accepted: number, screen: number | null = null): FigurePoint => ({
  at_ms: minute * 60_000, accepted, posted: accepted * 2, discord: null, screen: screen === null ? null : { count: 3, p50_ms: screen, p95_ms: screen * 2, p99_ms: screen * 3 },
});

test('the running minute replaces itself and pushes the oldest out', () => {
  const points = Array.from({ length: 60 }, (_, i) => point(i, i));
  const same = withMinute(points, point(59, 100), 'hour');
  expect([same.length, same.at(-1)?.accepted, same[0]?.accepted]).toEqual([60, 100, 0]);
  const next = withMinute(points, point(60, 7), 'hour');
  expect([next.length, next.at(-1)?.accepted, next[0]?.accepted]).toEqual([60, 7, 1]);
  expect(withMinute([], undefined, 'day')).toEqual([]);
});

test('a rate is over the time that has passed', () => {
  const lines = linesOf([point(0, 60), point(1, 60)], 60, 60_000 + 30_000);
  expect(lines.accepted_per_s).toEqual([1, 2]);
  expect(lines.posted_per_s).toEqual([2, 4]);
  expect(lines.times_s).toEqual([0, 60]);
  expect(linesOf([point(1, 60)], 60, 60_000 + 2000).accepted_per_s).toEqual([null]);
});

test('percentiles: gaps stay gaps, the latest known is told', () => {
  const points = [point(0, 1, 10), point(1, 1, 20), point(2, 0)];
  expect(linesOf(points, 60, 600_000).screen).toEqual({ p50: [10, 20, null], p95: [20, 40, null], p99: [30, 60, null] });
  expect(latest(points, (one) => one.screen)?.p50_ms).toBe(20);
  expect(latest(points, (one) => one.discord)).toBeNull();
  expect(latencyWords(points, (one) => one.screen)).toContain('Latest median 20 ms');
  expect(latencyWords(points, (one) => one.discord)).toContain('Nothing');
  expect(throughputWords(points, 60)).toContain('2 revisions accepted and 4 posts');
});
