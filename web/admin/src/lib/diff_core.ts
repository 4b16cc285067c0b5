// What differs between a thing before and after, field by field. Pure.

import { exactTime } from './format';

export interface FieldChange { field: string; before: string | null; after: string | null }

/** Fields that say nothing to a person beside the others. */
const LEFT_OUT = new Set(['version', 'config_version', 'updated_at_ms', 'created_at_ms']);

/**
 * The leaves that differ, by their dotted path, in the order of `before`, then `after`. A side that is null or missing as a whole makes
 * every leaf of the other one a change; lists are compared as a whole unless they hold objects.
 */
export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  const old = leaves(before);
  const fresh = leaves(after);
  const changes: FieldChange[] = [];
  for (const field of new Set([...old.keys(), ...fresh.keys()])) {
    const was = old.get(field) ?? null;
    const is = fresh.get(field) ?? null;
    if (was !== is && !LEFT_OUT.has(field.split('.').at(-1) ?? '')) changes.push({ field, before: was, after: is });
  }
  return changes;
}

function leaves(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  if (value !== null && value !== undefined) add(found, '', value);
  return found;
}

function add(found: Map<string, string>, path: string, value: unknown): void {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) {
    value.forEach((item, i) => add(found, `${path}[${i}]`, item));
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) {
      if (inner !== null && inner !== undefined) add(found, path === '' ? key : `${path}.${key}`, inner);
    }
  } else {
    found.set(path, typeof value === 'number' && path.endsWith('_at_ms') ? exactTime(value) : words(value));
  }
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).join(', ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
