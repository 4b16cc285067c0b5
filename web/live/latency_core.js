// @ts-check
// From commit to screen: the age of live frames at arrival and their rolling percentiles. Times are arguments.

const SAMPLES_MAX = 200;
/** Under this our clock may simply seem behind because the frame took its time; over it the clocks differ. */
const SKEW_AHEAD_MS_MIN = 2000;

/** @typedef {{ skew_ms: number | null, samples: number[], next: number }} Latency */

/** @returns {Latency} */
export function newLatency() {
  return { skew_ms: null, samples: [], next: 0 };
}

/**
 * Learns from a `server_time_ms` how far the clocks are apart. The way of the frame only ever makes the server look
 * earlier than it is, so the greatest difference seen is the nearest to the truth.
 * @param {Latency} latency
 * @param {number} server_time_ms
 * @param {number} now_ms
 */
export function noteServerTime(latency, server_time_ms, now_ms) {
  const difference_ms = server_time_ms - now_ms;
  latency.skew_ms = latency.skew_ms === null ? difference_ms : Math.max(latency.skew_ms, difference_ms);
}

/**
 * What to add to our clock. Ours behind is certain; ours ahead cannot be told from a slow network until it is by seconds.
 * @param {Latency} latency
 */
export function correctionMs(latency) {
  const skew_ms = latency.skew_ms ?? 0;
  return skew_ms > 0 || skew_ms < -SKEW_AHEAD_MS_MIN ? skew_ms : 0;
}

/**
 * The age of a live frame at arrival; it joins the samples.
 * @param {Latency} latency
 * @param {number} accepted_at_ms
 * @param {number} now_ms
 * @returns {number} milliseconds, never negative
 */
export function noteLiveFrame(latency, accepted_at_ms, now_ms) {
  const age_ms = Math.max(0, now_ms + correctionMs(latency) - accepted_at_ms);
  latency.samples[latency.next] = age_ms;
  latency.next = (latency.next + 1) % SAMPLES_MAX;
  return age_ms;
}

/**
 * The nearest-rank percentile of the samples, or null without any.
 * @param {Latency} latency
 * @param {number} percent 0 < percent ≤ 100
 */
export function percentile(latency, percent) {
  if (latency.samples.length === 0) return null;
  const sorted = [...latency.samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}
