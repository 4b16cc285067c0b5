// @ts-check
// How times, durations, rates and sizes are written. Pure: "now" is always an argument.

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * "now", "42 s", "7 min", "3 h", "5 d"; older than 30 days: the date.
 * @param {number} at_ms
 * @param {number} now_ms
 */
export function relativeTime(at_ms, now_ms) {
  const age_ms = now_ms - at_ms;
  if (age_ms < 5 * SECOND_MS) return 'now';
  if (age_ms < MINUTE_MS) return `${Math.floor(age_ms / SECOND_MS)} s ago`;
  if (age_ms < HOUR_MS) return `${Math.floor(age_ms / MINUTE_MS)} min ago`;
  if (age_ms < DAY_MS) return `${Math.floor(age_ms / HOUR_MS)} h ago`;
  if (age_ms < 30 * DAY_MS) return `${Math.floor(age_ms / DAY_MS)} d ago`;
  return new Date(at_ms).toISOString().slice(0, 10);
}

/**
 * Local date and time with milliseconds and the zone, for a title.
 * @param {number} at_ms
 */
export function exactTime(at_ms) {
  const date = new Date(at_ms);
  if (Number.isNaN(date.getTime())) return '';
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const zone_min = -date.getTimezoneOffset();
  const zone = `${zone_min < 0 ? '-' : '+'}${two(Math.floor(Math.abs(zone_min) / 60))}:${two(Math.abs(zone_min) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')} ${zone}`;
}

/**
 * @param {number} duration_ms
 */
export function duration(duration_ms) {
  if (duration_ms < 0) return '0 ms';
  if (duration_ms < SECOND_MS) return `${Math.round(duration_ms)} ms`;
  if (duration_ms < MINUTE_MS) return `${(duration_ms / SECOND_MS).toFixed(duration_ms < 10 * SECOND_MS ? 1 : 0)} s`;
  if (duration_ms < HOUR_MS) return `${Math.floor(duration_ms / MINUTE_MS)} min`;
  if (duration_ms < DAY_MS) return `${Math.floor(duration_ms / HOUR_MS)} h`;
  return `${Math.floor(duration_ms / DAY_MS)} d`;
}

/**
 * Microseconds as "740 µs", "3.2 ms", "1.4 s".
 * @param {number} us
 */
export function microseconds(us) {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms`;
  return `${(us / 1_000_000).toFixed(1)} s`;
}

/**
 * 1234567 as "1,234,567".
 * @param {number} n
 */
export function count(n) {
  return Math.round(n).toLocaleString('en-US');
}

/**
 * A rate: two digits that matter below ten, whole numbers above.
 * @param {number | null} per_s
 */
export function rate(per_s) {
  if (per_s === null) return '–';
  if (per_s === 0) return '0';
  return per_s < 10 ? per_s.toFixed(1) : count(per_s);
}

/**
 * @param {number} size_bytes
 */
export function bytes(size_bytes) {
  if (size_bytes < 1024) return `${size_bytes} B`;
  if (size_bytes < 1024 * 1024) return `${(size_bytes / 1024).toFixed(0)} KiB`;
  return `${(size_bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
