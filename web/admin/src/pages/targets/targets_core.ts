// How targets stand: which come first, what is said of them, and what a live frame changes. Pure.

import type { Percentiles, Target } from '../../api/types';

export type Which = 'all' | 'trouble' | 'waiting' | 'paused' | 'healthy';

const RANK: Record<string, number> = { stopped: 0, parked: 1, no_bot_token: 2, failing: 3, limited: 5, paused: 6, not_running: 7 };

/** Lower comes first: what a person has to look at. */
export function rank(target: Target): number {
  if (target.obstacle !== null && target.mappings > 0) return Math.min(4, RANK[target.state] ?? 4);
  if (target.dead_letters > 0) return Math.min(4.5, RANK[target.state] ?? 4.5);
  return RANK[target.state] ?? (target.backlog > 0 ? 8 : 9);
}

/** Whether somebody has to do something. */
export function isInTrouble(target: Target): boolean {
  return ['stopped', 'parked', 'no_bot_token', 'failing'].includes(target.state) || (target.obstacle !== null && target.mappings > 0) || target.dead_letters > 0;
}

export function isShown(target: Target, which: Which, q: string): boolean {
  const needle = q.replace(/^#/, '').toLowerCase();
  if (needle !== '' && !(target.name ?? '').toLowerCase().includes(needle) && !(target.guild_name ?? '').toLowerCase().includes(needle) && target.target_channel_id !== needle && target.guild_id !== needle) return false;
  switch (which) {
    case 'trouble': return isInTrouble(target);
    case 'waiting': return target.backlog > 0;
    case 'paused': return target.is_paused;
    case 'healthy': return target.state === 'healthy' && !isInTrouble(target);
    default: return true;
  }
}

/** The targets with those of a frame in their places; one that is new is put in by its id. */
export function merged(targets: readonly Target[], changed: readonly Target[]): Target[] {
  const fresh = new Map(changed.map((target) => [target.target_channel_id, target]));
  const now = targets.map((target) => {
    const found = fresh.get(target.target_channel_id);
    if (found === undefined) return target;
    fresh.delete(target.target_channel_id);
    return found.version < target.version ? target : found;
  });
  return fresh.size === 0 ? now : [...now, ...fresh.values()].sort((a, b) => compareIds(a.target_channel_id, b.target_channel_id));
}

/** Why it stands as it does, each thing once. */
export function reasons(target: Target): string[] {
  return [...new Set([target.reason, target.obstacle].filter((text): text is string => text !== null && text !== ''))];
}

/** The kinds of work with their percentiles, those that were done. */
export function latencies(target: Target): { kind: string; found: Percentiles }[] {
  return (['create', 'edit', 'delete'] as const).flatMap((kind) => {
    const found = target.latency[kind];
    return found === null || found.count === 0 ? [] : [{ kind, found }];
  });
}

/** Ids as numbers: the longer is the greater. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** The id right before this one: what a list goes on after to begin with this one. */
export function idBefore(id: string): string {
  return /^\d+$/.test(id) ? String(BigInt(id) - 1n) : id;
}
