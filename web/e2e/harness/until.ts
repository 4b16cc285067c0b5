// Waiting for conditions: asked again and again until they hold, and a sentence when they do not hold in time.

const ASK_AGAIN_AFTER_MS = 25;
/** Far longer than anything takes on a quiet machine, so that a busy one fails nothing. */
export const PATIENCE_MS = 30_000;

/** The first answer that is neither null nor undefined nor false. What is thrown in between counts as "not yet". */
export async function until<T>(what: string, ask: () => Promise<T | null | undefined | false> | T | null | undefined | false, within_ms = PATIENCE_MS): Promise<T> {
  const deadline = performance.now() + within_ms;
  let last: unknown = null;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== undefined && answer !== false) return answer;
      last = null;
    } catch (thrown) {
      last = thrown;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${within_ms} ms${last === null ? '' : `; last: ${String(last)}`}`);
    await pause(ASK_AGAIN_AFTER_MS);
  }
}

/** The pace of whoever asks again. No test waits by this for something to have happened. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}
