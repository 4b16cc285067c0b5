// The channels of a guild as Discord shows them: uncategorised ones, then each category with its channels, threads below theirs. Pure.

import type { GuildTree, TreeChannel, TreeThread } from '../../api/types';

export const CATEGORY = 4;

export type TreeRow =
  | { type: 'category'; key: string; channel: TreeChannel; members: number; is_open: boolean }
  | { type: 'channel'; key: string; channel: TreeChannel; depth: number; threads: number; is_open: boolean }
  | { type: 'thread'; key: string; thread: TreeThread; depth: number };

export interface TreeChoice {
  /** Lower case; part of a name, or an id. */
  needle: string;
  /** Which channels are wanted, beside the search. */
  wants: (channel: TreeChannel) => boolean;
  /** Categories that are closed and channels whose threads are open. */
  toggled: ReadonlySet<string>;
}

/** The order is the server's; here they are only put below their parents. A channel whose parent is not told stands at the top. */
export function rowsOf(tree: GuildTree, choice: TreeChoice): TreeRow[] {
  const categories = new Set(tree.channels.filter((channel) => channel.kind === CATEGORY).map((channel) => channel.channel_id));
  const below = new Map<string | null, TreeChannel[]>();
  for (const channel of tree.channels) {
    if (channel.kind === CATEGORY) continue;
    const parent = channel.parent_id !== null && categories.has(channel.parent_id) ? channel.parent_id : null;
    below.set(parent, [...(below.get(parent) ?? []), channel]);
  }
  const threads = new Map<string, TreeThread[]>();
  for (const thread of tree.threads ?? []) threads.set(thread.parent_channel_id, [...(threads.get(thread.parent_channel_id) ?? []), thread]);

  const rows = (below.get(null) ?? []).flatMap((channel) => channelRows(channel, threads.get(channel.channel_id) ?? [], 0, choice, false));
  for (const category of tree.channels) {
    if (category.kind !== CATEGORY) continue;
    const by_name = fits(category.name, category.channel_id, choice.needle);
    const members = below.get(category.channel_id) ?? [];
    const inside = members.flatMap((channel) => channelRows(channel, threads.get(channel.channel_id) ?? [], 1, choice, by_name && choice.needle !== ''));
    const is_narrowed = choice.needle !== '' || members.some((channel) => !choice.wants(channel));
    if (inside.length === 0 && (is_narrowed || !choice.wants(category)) && !(by_name && choice.needle !== '')) continue;
    const is_open = choice.needle !== '' || !choice.toggled.has(category.channel_id);
    rows.push({ type: 'category', key: category.channel_id, channel: category, members: inside.filter((row) => row.type === 'channel').length, is_open });
    if (is_open) rows.push(...inside);
  }
  return rows;
}

function channelRows(channel: TreeChannel, threads: readonly TreeThread[], depth: number, choice: TreeChoice, is_in_found: boolean): TreeRow[] {
  const found = is_in_found || fits(channel.name, channel.channel_id, choice.needle);
  const found_threads = choice.needle === '' ? [] : threads.filter((thread) => fits(thread.name, thread.thread_id, choice.needle));
  if (!choice.wants(channel) || (!found && found_threads.length === 0)) return [];
  const is_open = found_threads.length > 0 || choice.toggled.has(channel.channel_id);
  const shown = found_threads.length > 0 && !choice.toggled.has(channel.channel_id) ? found_threads : threads;
  return [
    { type: 'channel', key: channel.channel_id, channel, depth, threads: threads.length, is_open },
    ...(is_open ? shown.map((thread): TreeRow => ({ type: 'thread', key: thread.thread_id, thread, depth: depth + 1 })) : []),
  ];
}

function fits(name: string, id: string, needle: string): boolean {
  return needle === '' || name.toLowerCase().includes(needle) || id === needle;
}

/** The channels that may be chosen, in the order shown. */
export function choosable(rows: readonly TreeRow[]): string[] {
  return rows.filter((row) => row.type === 'channel').map((row) => row.key);
}

/** The channels below this category, as far as they are shown or would be if it were open. */
export function membersOf(tree: GuildTree, category_id: string, wants: (channel: TreeChannel) => boolean): string[] {
  return tree.channels.filter((channel) => channel.parent_id === category_id && channel.kind !== CATEGORY && wants(channel)).map((channel) => channel.channel_id);
}
