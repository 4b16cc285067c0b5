// What of a mapping a person decides: as the editor holds it, what of it was changed, and what a change of many is. Pure.

import type { Mapping, MappingChange, Rules, Versioned } from '../../api/types';
import { RULE_FIELDS, type WholeRules } from './rules_form_core';

export interface Settings extends WholeRules {
  source_channel_id: string | null; target_channel_id: string | null; tier: number; ping_role_id: string | null; priority: number; is_enabled: boolean;
}
const FIELDS = ['source_channel_id', 'target_channel_id', 'tier', 'ping_role_id', 'priority', 'is_enabled', ...RULE_FIELDS] as const;
export type SettingField = (typeof FIELDS)[number];

export function settingsOf(mapping: Mapping): Settings {
  return {
    source_channel_id: mapping.source_channel_id, target_channel_id: mapping.target_channel_id, tier: mapping.tier, ping_role_id: mapping.ping_role_id ?? null,
    priority: mapping.priority, is_enabled: mapping.is_enabled, ...wholeRules(mapping),
  };
}

export function wholeRules(rules: Rules): WholeRules {
  return {
    filters_json: rules.filters_json ?? null, transform_json: rules.transform_json ?? null, author_style: rules.author_style ?? null,
    thread_style: rules.thread_style ?? null, hand_deletions: rules.hand_deletions ?? null,
  };
}

/** The fields that differ, with their new values. */
export function changedSettings(before: Settings, after: Settings): Partial<Settings> {
  return Object.fromEntries(FIELDS.filter((field) => canonical(before[field]) !== canonical(after[field])).map((field) => [field, after[field]]));
}

/** Fields that two people changed to different values since both read `base`. */
export function clashes(base: Settings, mine: Settings, theirs: Settings): SettingField[] {
  const changed = changedSettings(base, mine);
  return FIELDS.filter((field) => field in changed && canonical(base[field]) !== canonical(theirs[field]) && canonical(mine[field]) !== canonical(theirs[field]));
}

/** My changes put on top of what somebody else made of it. */
export function rebased(base: Settings, mine: Settings, theirs: Settings): Settings {
  return { ...theirs, ...changedSettings(base, mine) };
}

/** Which of the selected mappings a change is sent for: those it would not change are left alone. */
export function concerned(mappings: readonly Mapping[], change: Omit<MappingChange, 'version'>): Versioned[] {
  const wanted = change as Partial<Settings>;
  return mappings
    .filter((mapping) => {
      const settings = settingsOf(mapping);
      return FIELDS.some((field) => wanted[field] !== undefined && canonical(wanted[field] ?? null) !== canonical(settings[field]));
    })
    .map(versioned);
}

export function versioned({ mapping_id, version }: Mapping): Versioned {
  return { mapping_id, version };
}

/** In lots of at most `size`. */
export function lots<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Equal for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);
}
