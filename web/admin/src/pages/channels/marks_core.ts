// What a channel is marked as, and what a change of its marks asks of the server. Pure.

import type { ChannelRoleChange, ThreadMode, TreeChannel } from '../../api/types';

export interface Marks { is_source?: boolean; is_target?: boolean; is_enabled?: boolean; thread_mode?: ThreadMode }

/** The whole role that the server takes, with these marks changed. A first mark enables; the last one taken away leaves nothing enabled. */
export function roleWith(channel: TreeChannel, guild_id: string, marks: Marks): ChannelRoleChange {
  const role = channel.role ?? null;
  const is_source = marks.is_source ?? role?.is_source ?? false;
  const is_target = marks.is_target ?? role?.is_target ?? false;
  const had_mark = role !== null && (role.is_source || role.is_target);
  const is_marked = is_source || is_target;
  const is_enabled = marks.is_enabled ?? (is_marked && (had_mark ? (role?.is_enabled ?? true) : true));
  return {
    channel_id: channel.channel_id, guild_id, is_source, is_target, is_enabled,
    thread_mode: marks.thread_mode ?? role?.thread_mode ?? 'include',
    ...(role === null ? {} : { version: role.version }),
  };
}

/** Whether these marks would change anything. */
export function isChange(channel: TreeChannel, change: ChannelRoleChange): boolean {
  const role = channel.role ?? null;
  if (role === null) return change.is_source || change.is_target || change.is_enabled;
  return role.is_source !== change.is_source || role.is_target !== change.is_target || role.is_enabled !== change.is_enabled || role.thread_mode !== change.thread_mode;
}

/** Whether the channel is marked as anything. */
export function isMarked(channel: TreeChannel): boolean {
  return channel.role !== null && channel.role !== undefined && (channel.role.is_source || channel.role.is_target);
}

export const THREAD_MODES: readonly { value: ThreadMode; text: string }[] = [
  { value: 'include', text: 'With threads' }, { value: 'exclude', text: 'Without threads' }, { value: 'only', text: 'Only threads' },
];
