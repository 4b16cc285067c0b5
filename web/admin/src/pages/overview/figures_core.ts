// From the figures of the server to the lines of the charts. Pure.

import type { FigurePoint, Percentiles, Pulse } from '../../api/types';
import { duration, rate } from '../../lib/format';

export type Span = 'hour' | 'day';
const POINTS: Record<Span, number> = { hour: 60, day: 1440 };
/** A minute that has only begun says nothing of its rate. */
const BEGUN_MS_MIN = 5_000;

/** The points with the running minute put in its place, as many as the span has. */
export function withMinute(points: readonly FigurePoint[], minute: FigurePoint | undefined, span: Span): FigurePoint[] {
  if (minute === undefined) return [...points];
  const before = points.filter((point) => point.at_ms < minute.at_ms);
  return [...before, minute].slice(-POINTS[span]);
}

export interface Lines {
  times_s: number[];
  accepted_per_s: (number | null)[];
  posted_per_s: (number | null)[];
  screen: Record<'p50' | 'p95' | 'p99', (number | null)[]>;
  discord: Record<'p50' | 'p95' | 'p99', (number | null)[]>;
}

/** `at_ms` is the moment of the last pulse: the running minute is a rate over as much of it as has passed. */
export function linesOf(points: readonly FigurePoint[], slot_s: number, at_ms: number): Lines {
  const seconds = (point: FigurePoint) => {
    const passed_ms = at_ms - point.at_ms;
    if (passed_ms >= slot_s * 1000) return slot_s;
    return passed_ms >= BEGUN_MS_MIN ? passed_ms / 1000 : null;
  };
  const per_s = (point: FigurePoint, n: number) => {
    const over_s = seconds(point);
    return over_s === null ? null : n / over_s;
  };
  const split = (pick: (point: FigurePoint) => Percentiles | null) => ({
    p50: points.map((point) => pick(point)?.p50_ms ?? null),
    p95: points.map((point) => pick(point)?.p95_ms ?? null),
    p99: points.map((point) => pick(point)?.p99_ms ?? null),
  });
  return {
    times_s: points.map((point) => point.at_ms / 1000),
    accepted_per_s: points.map((point) => per_s(point, point.accepted)),
    posted_per_s: points.map((point) => per_s(point, point.posted)),
    screen: split((point) => point.screen),
    discord: split((point) => point.discord),
  };
}

/** What a look at the throughput would tell. */
export function throughputWords(points: readonly FigurePoint[], slot_s: number): string {
  if (points.length === 0) return 'No figures yet.';
  const accepted = points.reduce((sum, point) => sum + point.accepted, 0);
  const posted = points.reduce((sum, point) => sum + point.posted, 0);
  const peak = Math.max(...points.map((point) => point.accepted));
  return `${accepted.toLocaleString('en-US')} revisions accepted and ${posted.toLocaleString('en-US')} posts made, at most ${rate(peak / slot_s)} accepted a second.`;
}

/** What a look at the latencies would tell. */
export function latencyWords(points: readonly FigurePoint[], pick: (point: FigurePoint) => Percentiles | null): string {
  const known = points.map(pick).filter((one) => one !== null);
  const last = known.at(-1);
  if (last === undefined) return 'Nothing was measured in this time.';
  const worst = Math.max(...known.map((one) => one.p99_ms));
  return `Latest median ${duration(last.p50_ms)}, 95th percentile ${duration(last.p95_ms)}, 99th ${duration(last.p99_ms)}; worst 99th ${duration(worst)}.`;
}

/** The latest percentiles that were measured, of the running minute when it has any. */
export function latest(points: readonly FigurePoint[], pick: (point: FigurePoint) => Percentiles | null): Percentiles | null {
  for (let i = points.length - 1; i >= 0; i--) {
    const found = pick(points[i] as FigurePoint);
    if (found !== null && found.count > 0) return found;
  }
  return null;
}

/** The pulse's moment, or when the last point ended. */
export function momentOf(pulse: Pulse | null, points: readonly FigurePoint[], slot_s: number): number {
  return pulse?.at_ms ?? (points.at(-1)?.at_ms ?? 0) + slot_s * 1000;
}
