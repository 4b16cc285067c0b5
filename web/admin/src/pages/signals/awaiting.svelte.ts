// When the deliveries of signals that are shown are to be read anew: a pulse says that something was posted or given up.

import { pulsing } from '../../live/live.svelte';

/** Calls `read` when deliveries moved since it was called last and `isWanted` says that one of those shown may be among them. */
export function whenDelivered(isWanted: () => boolean, read: () => void): void {
  let seen = '';
  pulsing((pulse) => {
    const now = `${pulse.minute.at_ms} ${pulse.minute.posted} ${pulse.dead_letters} ${pulse.backlog}`;
    if (now === seen) return;
    if (!isWanted()) return;
    seen = now;
    read();
  });
}
