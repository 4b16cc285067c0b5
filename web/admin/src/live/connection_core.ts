// When to try again, what a close means, and what a frame changes. Knows no socket and no clock: randomness and times are arguments.

import type { LiveFrame, Topic, Watched } from '../api/types';

const RETRY_DELAY_MS_MIN = 100;
const RETRY_CEILING_MS_FIRST = 500;
const RETRY_CEILING_MS_MAX = 10_000;
/** A connection that lasted this long was a good one: the next failure starts from the small delay again. */
const STEADY_AFTER_MS = 20_000;
/** A pulse comes every second; without any frame for this long the connection counts as dead. */
export const SILENCE_MS_MAX = 6_000;

/** The delay before the next attempt: random below a doubling ceiling, so that pages do not come back together. */
export function retryDelayMs(failures: number, random: () => number): number {
  const ceiling_ms = Math.min(RETRY_CEILING_MS_MAX, RETRY_CEILING_MS_FIRST * 2 ** Math.min(failures, 30));
  return Math.max(RETRY_DELAY_MS_MIN, Math.round(random() * ceiling_ms));
}

/** How many failures count after a connection ended. `lived_ms`: since its welcome, null when it never got one. */
export function failuresAfterClose(failures: number, lived_ms: number | null): number {
  return lived_ms !== null && lived_ms >= STEADY_AFTER_MS ? 0 : failures + 1;
}

export type AfterClose = 'retry' | 'sign_in' | 'reload';

/** What is to be done after a close with this code. */
export function afterClose(code: number): AfterClose {
  if (code === 4401 || code === 4403) return 'sign_in';
  return code >= 4400 && code <= 4499 ? 'reload' : 'retry';
}

/** What the close means to the person in front of the page. */
export function closeWords(code: number): string {
  switch (code) {
    case 4000: return 'The server is restarting.';
    case 4001: return 'This connection was too slow.';
    case 4400: return 'The server did not understand this page: it is probably from an older release. Reload it.';
    case 4403: return 'Your sign-in has ended.';
    case 4429: return 'Too many administration pages are open. Close some and reload.';
    default: return 'The connection to the server was lost.';
  }
}

/** The frame in this text; null when it is none we know of: fields and frames may be added. */
export function readFrame(text: unknown): LiveFrame | null {
  if (typeof text !== 'string') return null;
  try {
    const frame = JSON.parse(text) as { type?: unknown };
    return typeof frame === 'object' && frame !== null && typeof frame.type === 'string' ? (frame as LiveFrame) : null;
  } catch {
    return null;
  }
}

/** Counts who wants what watched. The server is told the whole set each time it changes. */
export class Watches {
  private wanted = new Map<Watched, number>();

  /** Whether the set grew. */
  add(topic: Watched): boolean {
    const before = this.wanted.get(topic) ?? 0;
    this.wanted.set(topic, before + 1);
    return before === 0;
  }

  /** Whether the set shrank. */
  remove(topic: Watched): boolean {
    const left = (this.wanted.get(topic) ?? 0) - 1;
    if (left > 0) this.wanted.set(topic, left);
    else this.wanted.delete(topic);
    return left === 0;
  }

  frame(): string {
    return JSON.stringify({ type: 'watch', topics: [...this.wanted.keys()].sort() });
  }

  get isEmpty(): boolean {
    return this.wanted.size === 0;
  }
}

/** Whether one of the topics a page shows is among those that changed. */
export function concerns(shown: readonly Topic[], changed: readonly Topic[]): boolean {
  return shown.some((topic) => changed.includes(topic));
}
