// What a person does with one target, with what is said afterwards. Each throws the refusal.

import { call } from '../../api/client';
import type { Target } from '../../api/types';
import { channelWords } from '../../lib/format';
import { changeMoment, toasts } from '../../lib/toasts.svelte';

export function titleOf(target: Pick<Target, 'name' | 'target_channel_id'>): string {
  return channelWords({ channel_id: target.target_channel_id, name: target.name });
}

/** Pauses or resumes it; the answer is the version it has now. */
export async function setPaused(target: Target, is_paused: boolean): Promise<void> {
  const since_ms = changeMoment(Date.now());
  const path = { target_channel_id: target.target_channel_id };
  const body = { version: target.version };
  if (is_paused) await call('POST /api/targets/{target_channel_id}/pause', { path, body });
  else await call('POST /api/targets/{target_channel_id}/resume', { path, body });
  toasts.undoable(is_paused ? `${titleOf(target)} is paused: what is wanted there waits` : `${titleOf(target)} goes on`, { subject: target.target_channel_id, action: is_paused ? 'target.pause' : 'target.resume', since_ms });
}

export async function inspect(target: Target): Promise<void> {
  const found = await call('POST /api/targets/{target_channel_id}/inspect', { path: { target_channel_id: target.target_channel_id } });
  if (found.obstacle !== null) toasts.say(found.obstacle, { tone: 'bad' });
  else if (found.warning) toasts.say(found.warning, { tone: 'warn' });
  else toasts.say(`The bot may do all it needs in ${titleOf(target)}`, { tone: 'good' });
}
