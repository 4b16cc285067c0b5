// A mapping as its editor holds it: the rules as a form, numbers that may be empty while somebody types. Pure.

import { fieldProblem, Problem } from '../../api/problem';
import type { ChannelName, Mapping, MappingNew, Start } from '../../api/types';
import { faultOf, formOf, placeOf, RULE_FIELDS, rulesOf, type RulesForm } from './rules_form_core';
import { settingsOf, type Settings } from './settings_core';

export const TIER_MAX = 100;
export const BACKFILL_MAX = 1000;

export interface Draft {
  source_channel_id: string | null; target_channel_id: string | null; tier: number | null; ping_role_id: string | null; priority: number | null; is_enabled: boolean;
  rules: RulesForm;
  /** What the chosen channels and the role are called, as far as it is known. */
  source: ChannelName | null; target: ChannelName | null; ping_role_name: string | null;
}

export function emptyDraft(): Draft {
  return { source_channel_id: null, target_channel_id: null, tier: 0, ping_role_id: null, priority: 0, is_enabled: true, rules: formOf({}), source: null, target: null, ping_role_name: null };
}

export function draftOf(mapping: Mapping): Draft {
  return draftWith(settingsOf(mapping), mapping);
}

/** These settings, with the names that are known of this mapping's channels. */
export function draftWith(settings: Settings, names: Pick<Mapping, 'source' | 'target' | 'ping_role_id' | 'ping_role_name'>): Draft {
  const { source_channel_id, target_channel_id, tier, ping_role_id, priority, is_enabled } = settings;
  return {
    source_channel_id, target_channel_id, tier, ping_role_id, priority, is_enabled, rules: formOf(settings),
    source: names.source.channel_id === source_channel_id ? names.source : null,
    target: names.target.channel_id === target_channel_id ? names.target : null,
    ping_role_name: names.ping_role_id === ping_role_id ? names.ping_role_name : null,
  };
}

export function settingsOfDraft(draft: Draft): Settings {
  const { source_channel_id, target_channel_id, tier, ping_role_id, priority, is_enabled } = draft;
  return { source_channel_id, target_channel_id, tier: tier ?? 0, ping_role_id, priority: priority ?? 0, is_enabled, ...rulesOf(draft.rules) };
}

/** What must be put right before the server is asked. */
export function draftFault(draft: Draft): Problem | null {
  const missing = (field: string, message: string) => new Problem({ status: 0, code: 'invalid', message, field });
  if (draft.source_channel_id === null) return missing('source_channel_id', 'Choose the channel that is captured.');
  if (draft.target_channel_id === null) return missing('target_channel_id', 'Choose the channel it is mirrored into.');
  if (!isWhole(draft.tier) || (draft.tier as number) < 0 || (draft.tier as number) > TIER_MAX) return missing('tier', `A whole number from 0 to ${TIER_MAX}.`);
  if (!isWhole(draft.priority)) return missing('priority', 'A whole number.');
  return faultOf(draft.rules);
}

/** A problem with what the draft was when it was found. */
export interface Refusal { problem: Problem; of: string | null }

export function refusalOf(problem: Problem | null, draft: Draft): Refusal | null {
  return problem === null ? null : { problem, of: valueAt(draft, placeOf(problem)) };
}

/** The problem, unless the field it is about was changed since. */
export function stillTrue(refusal: Refusal | null, draft: Draft): Problem | null {
  return refusal === null || refusal.of !== valueAt(draft, placeOf(refusal.problem)) ? null : refusal.problem;
}

/** The field of the settings that a place is in, as text; null for a place outside of them. */
function valueAt(draft: Draft, place: string | null): string | null {
  const field = place?.split(/[.[]/)[0];
  if (field === undefined) return null;
  if (field === 'tier' || field === 'priority') return JSON.stringify(draft[field]);
  const settings: Record<string, unknown> = { ...settingsOfDraft(draft) };
  return field in settings ? JSON.stringify(settings[field]) : null;
}

/** The body that makes it. */
export function creation(draft: Draft, start: Start): MappingNew {
  const { source_channel_id, target_channel_id, ...rest } = settingsOfDraft(draft);
  const said = Object.fromEntries(Object.entries(rest).filter(([field, value]) => value !== null || !(RULE_FIELDS as readonly string[]).includes(field)));
  return { source_channel_id: source_channel_id ?? '', target_channel_id: target_channel_id ?? '', ...said, start };
}

/** Fields of the form that show what is wrong with them; anything else is told above it. */
export const SHOWN_FIELDS = ['source_channel_id', 'target_channel_id', 'tier', 'ping_role_id', 'priority', 'start', ...RULE_FIELDS];

/** The words for a field, for those that stand outside of the rules. */
export function wordsFor(problem: Problem | null, field: string): string | null {
  return fieldProblem(problem, field);
}

/** The mapping that was made though its back-fill failed, by the server's sentence. */
export function madeAnyway(problem: Problem): number | null {
  const id = /\(mapping (\d+)\)/.exec(problem.message)?.[1];
  return problem.status === 503 && id !== undefined ? Number(id) : null;
}

function isWhole(value: number | null): boolean {
  return value !== null && Number.isInteger(value);
}
