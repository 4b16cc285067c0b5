// How times, durations, rates, sizes and ids are written on these pages.

export { bytes, count, duration, exactTime, microseconds, rate, relativeTime } from '../../../shared/format.js';

/** "1 channel", "2 channels". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;
}

/** A count that stops at a bound. */
export function atLeast(n: number, is_more: boolean): string {
  return is_more ? `more than ${n.toLocaleString('en-US')}` : n.toLocaleString('en-US');
}

/** A state as people say it: `dead_letter` as "dead letter". */
export function words(state: string): string {
  return state.replaceAll('_', ' ');
}

/** A channel as people write it; one whose name is not known (or is told as its id) by its id. */
export function channelWords(channel: { channel_id: string; name: string | null }): string {
  return channel.name === null || channel.name === channel.channel_id ? channel.channel_id : `#${channel.name}`;
}

/** The first letter large. */
export function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** How long until a moment: "in 3 h"; past: "over". */
export function until(at_ms: number, now_ms: number): string {
  const left_ms = at_ms - now_ms;
  if (left_ms <= 0) return 'over';
  const table: [number, string][] = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']];
  for (const [unit_ms, unit] of table) if (left_ms >= unit_ms) return `in ${Math.round(left_ms / unit_ms)} ${unit}`;
  return 'in 1 s';
}

export type Tone = '' | 'good' | 'warn' | 'bad' | 'link';

const TONES: Record<string, Tone> = {
  healthy: 'good', delivered: 'good', ok: 'good', working: 'good', active: 'good', running: 'good', answered: 'good', accepted: 'good',
  limited: 'warn', paused: 'warn', pending: 'warn', restarting: 'warn', requested: 'warn', picked_up: 'warn', not_yet: 'warn', held: 'warn',
  failing: 'bad', parked: 'bad', stopped: 'bad', dead_letter: 'bad', broken: 'bad', timed_out: 'bad', rejected: 'bad', no_token: 'bad', no_bot_token: 'bad',
};

/** The colour of a state. */
export function toneOf(state: string): Tone {
  return TONES[state] ?? '';
}

/** Discord's kinds of channels in one word; `icon` is what is drawn before the name. */
export function channelKind(kind: number | null): { word: string; icon: string } {
  switch (kind) {
    case 0: return { word: 'text channel', icon: 'text' };
    case 2: return { word: 'voice channel', icon: 'voice' };
    case 4: return { word: 'category', icon: 'category' };
    case 5: return { word: 'announcement channel', icon: 'news' };
    case 10: case 11: case 12: return { word: 'thread', icon: 'thread' };
    case 13: return { word: 'stage', icon: 'stage' };
    case 14: return { word: 'directory', icon: 'text' };
    case 15: return { word: 'forum', icon: 'forum' };
    case 16: return { word: 'media channel', icon: 'media' };
    default: return { word: 'channel of a kind that was not told', icon: 'text' };
  }
}
