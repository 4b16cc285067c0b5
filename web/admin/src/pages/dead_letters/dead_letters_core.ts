// What a dead letter says of its signal, and asking again until nothing is left. Pure but for what is passed in.

import type { DeadLetter, DeliveryKey, Payload } from '../../api/types';

export function keyOf({ signal_id, target_channel_id }: DeliveryKey): string {
  return `${signal_id}/${target_channel_id}`;
}

/** The chosen deliveries as the server takes them. */
export function keys(rows: readonly DeliveryKey[], chosen: ReadonlySet<string>): DeliveryKey[] {
  return rows.filter((row) => chosen.has(keyOf(row))).map(({ signal_id, target_channel_id }) => ({ signal_id, target_channel_id }));
}

/** What the signal reads, in a line. */
export function payloadText(payload: Payload | null): string {
  if (payload === null) return 'The signal’s row cannot be read.';
  if (payload.deleted) return 'The signal was deleted.';
  if (payload.text.trim() !== '') return payload.text;
  const embed = payload.embeds.find((one) => one.title || one.description);
  if (embed !== undefined) return `Embed: ${embed.title ?? embed.description ?? ''}`;
  const file = payload.attachments[0];
  return file === undefined ? 'Nothing to show.' : `File: ${file.filename}`;
}

/** Who wrote it, as far as it is known. */
export function payloadAuthor(payload: Payload | null): string | null {
  return payload?.author?.global_name ?? payload?.author?.username ?? null;
}

/** What was wanted of Discord, and what it shows already. */
export function wanted({ desired_revision, delivered_revision, payload }: Pick<DeadLetter, 'desired_revision' | 'delivered_revision' | 'payload'>): string {
  if (payload?.deleted) return delivered_revision === 0 ? 'to be taken away' : `to be taken away; revision ${delivered_revision} stands`;
  return delivered_revision === 0 ? 'to be posted' : `revision ${desired_revision} to be shown; ${delivered_revision} stands`;
}

/** Asks again as long as there is more, at most `rounds_max` times; how many were put back, and whether some are left. */
export async function untilDone(ask: () => Promise<{ done: number; more: boolean }>, rounds_max = 100): Promise<{ done: number; more: boolean }> {
  let total = 0;
  for (let round = 0; round < rounds_max; round++) {
    const { done, more } = await ask();
    total += done;
    if (!more) return { done: total, more: false };
  }
  return { done: total, more: true };
}
