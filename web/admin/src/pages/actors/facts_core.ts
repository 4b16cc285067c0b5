// An actor's own state in a few words. Pure.

import { count, duration, relativeTime } from '../../lib/format';

const SHOWN_MAX = 4;
const LENGTH_MAX = 60;
/** Above it a number of milliseconds is a moment (2001 and later), below it a span of time. */
const MOMENT_MS_MIN = 1_000_000_000_000;

export interface Fact { key: string; text: string; is_trouble: boolean }

/** The first few plain facts; the rest is in the details. */
export function factsOf(detail: Record<string, unknown>, at_ms: number): Fact[] {
  return Object.entries(detail)
    .filter(([key, value]) => key !== 'name' && key !== 'channel_id' && value !== null && typeof value !== 'object')
    .slice(0, SHOWN_MAX)
    .map(([key, value]) => ({ key, text: factText(key, value, at_ms), is_trouble: isTrouble(key, value, at_ms) }));
}

function isTrouble(key: string, value: unknown, at_ms: number): boolean {
  return (key === 'limited_until_ms' && Number(value) > at_ms) || (key === 'stuck' && value === true) || (key === 'connected' && value === false);
}

function factText(key: string, value: unknown, at_ms: number): string {
  if (key === 'limited_until_ms' && typeof value === 'number') return value > at_ms ? `limited for ${duration(value - at_ms)}` : 'not limited';
  const word = key.replace(/_(ms|bytes)$/, '').replaceAll('_', ' ');
  if (key.endsWith('_ms') && typeof value === 'number') return `${word} ${value > MOMENT_MS_MIN ? relativeTime(value, at_ms) : duration(value)}`;
  return `${word} ${typeof value === 'number' ? count(value) : String(value).slice(0, LENGTH_MAX)}`;
}

/** Everything it says of itself, as text. */
export function allFacts(facts: Record<string, unknown>): { key: string; text: string }[] {
  return Object.entries(facts).map(([key, value]) => ({ key, text: typeof value === 'object' ? JSON.stringify(value) : String(value) }));
}
