// What a form for many mappings says: only what was chosen to be changed is a change. Pure.

import type { BulkChange } from './changes';
import { rulesOf, type RulesForm } from './rules_form_core';

export const PARTS = ['tier', 'priority', 'ping', 'filters', 'transform', 'author_style', 'thread_style', 'hand_deletions'] as const;
export type Part = (typeof PARTS)[number];
export interface BulkForm { chosen: readonly Part[]; tier: number | null; priority: number | null; ping_role_id: string | null; rules: RulesForm }

export function bulkChange(form: BulkForm): BulkChange {
  const { filters_json, transform_json, author_style, thread_style, hand_deletions } = rulesOf(form.rules);
  const all: Record<Part, BulkChange> = {
    tier: { tier: form.tier ?? 0 }, priority: { priority: form.priority ?? 0 }, ping: { ping_role_id: form.ping_role_id }, filters: { filters_json }, transform: { transform_json },
    author_style: { author_style }, thread_style: { thread_style }, hand_deletions: { hand_deletions },
  };
  return Object.assign({}, ...form.chosen.map((part) => all[part])) as BulkChange;
}

/** The one guild that all are in; null when there are several or one is not known. */
export function onlyGuild(guild_ids: readonly (string | null)[]): string | null {
  const first = guild_ids[0] ?? null;
  return guild_ids.every((guild_id) => guild_id === first) ? first : null;
}
