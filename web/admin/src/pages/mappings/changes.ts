// Changes of several mappings, as the list asks for them: in lots the server takes, with what to say afterwards.

import { call } from '../../api/client';
import type { Mapping, MappingChange, Versioned } from '../../api/types';
import { channelWords } from '../../lib/format';
import { changeMoment, toasts } from '../../lib/toasts.svelte';
import { lots } from './settings_core';

const ITEMS_MAX = 500;
export type BulkChange = Omit<MappingChange, 'version' | 'source_channel_id' | 'target_channel_id'>;

/**
 * Changes or removes them. All of a lot or none; throws the first refusal. `text` is said afterwards with an undo; with more than one lot the
 * undo is in the audit, a group for each.
 */
export async function changeMany(items: readonly Versioned[], what: { change: BulkChange } | { remove: true }, text: string): Promise<void> {
  const since_ms = changeMoment(Date.now());
  const sent = lots(items, ITEMS_MAX);
  for (const lot of sent) await call('POST /api/mappings/bulk', { body: { items: lot, ...what } });
  if (sent.length > 1) toasts.say(`${text}. The audit can take it back.`, { tone: 'good' });
  else if (sent.length === 1) toasts.undoable(text, { action: 'mapping.', since_ms, ...(items.length === 1 ? { subject: String(items[0]?.mapping_id) } : {}) });
}

/** How a mapping is called in a sentence. */
export function routeOf(mapping: Mapping): string {
  return `${channelWords(mapping.source)} → ${channelWords(mapping.target)}`;
}
