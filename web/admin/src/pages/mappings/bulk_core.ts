// What a form for many mappings says: only what was chosen to be changed is a change. Pure.

import { Problem } from '../../api/problem';
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

/** A refusal as the fields of the form know it: the server names them below `change`. */
export function changeProblem(problem: Problem | null): Problem | null {
  const field = problem?.field?.startsWith('change.') ? problem.field.slice('change.'.length) : null;
  return problem === null || field === null ? problem : new Problem({ status: problem.status, code: problem.code, message: problem.message, field, correlation_id: problem.correlation_id });
}

/** Which of the items that were sent is at fault; null when it is none of them. */
export function itemAtFault(problem: Problem | null): number | null {
  const place = /^items\[(\d+)\]/.exec(problem?.field ?? '')?.[1];
  return place === undefined ? null : Number(place);
}
