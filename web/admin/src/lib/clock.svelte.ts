// The time of day for everything that says "3 min ago": one timer for the page, set by the server's clock.

import { live } from '../live/live.svelte';

const EVERY_MS = 1000;

class Clock {
  now_ms = $state(Date.now());

  start(): () => void {
    const timer = setInterval(() => { this.now_ms = Date.now() + live.clock_ahead_ms; }, EVERY_MS);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();
