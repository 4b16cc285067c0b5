// From two looks at the actors to what the page shows: rates, the tree grouped by kind, what is in trouble, the summary.
// Pure: knows no DOM and no clock but the server's own `at_ms`.

import type { Actor, ActorSnapshot } from '../../api/types';

export type Measured = Actor & { handled_per_s: number | null };
export type Row =
  | { type: 'actor'; key: string; depth: number; actor: Measured; children: number; open: boolean }
  | { type: 'group'; key: string; depth: number; kind: string; members: Measured[]; open: boolean }
  | { type: 'rest'; key: string; depth: number; left_out: number };
export interface Choice {
  /** Lower case. */
  needle: string;
  /** Only what is in trouble. */
  trouble: boolean;
  /** What a person opened (true) or closed (false). */
  opened: ReadonlyMap<string, boolean>;
  /** Groups of which every member is wanted. */
  whole: ReadonlySet<string>;
}

/** Siblings of one kind from this many on are one line that opens. */
const GROUP_MIN = 5;
const GROUP_SHOWN_MAX = 100;
const MAILBOX_FULL = 0.8;

/** Mirrors know their channel by its id only: here they get its name. */
export function named<S extends ActorSnapshot | null>(snapshot: S, names: ReadonlyMap<string, string | null>): S {
  if (snapshot === null || names.size === 0) return snapshot;
  const actors = snapshot.actors.map((actor) => {
    if (actor.kind !== 'mirror' || typeof actor.detail.name === 'string') return actor;
    const channel_id = actor.name.slice(actor.name.lastIndexOf('/') + 1);
    const name = names.get(channel_id);
    return name ? { ...actor, detail: { ...actor.detail, name: `#${name}`, channel_id } } : actor;
  });
  return { ...snapshot, actors };
}

/** The actors with their rate since the look before. An actor that was restarted counts from nothing again: no rate. */
export function measure(now: ActorSnapshot, before: ActorSnapshot | null): Measured[] {
  const span_s = before === null ? 0 : (now.at_ms - before.at_ms) / 1000;
  const old = new Map((before?.actors ?? []).map((actor) => [actor.name, actor]));
  return now.actors.map((actor) => {
    const was = old.get(actor.name);
    const is_known = was !== undefined && was.generation === actor.generation && span_s > 0 && actor.handled >= was.handled;
    return { ...actor, handled_per_s: is_known ? (actor.handled - was.handled) / span_s : null };
  });
}

/**
 * How bad it stands: 3 parked; 2 restarting, or stuck: it does not answer for its own state; 1 a mailbox that is nearly full, a limited
 * mirror or a lost database connection; 0 well.
 */
export function severity(actor: Actor, at_ms: number): 0 | 1 | 2 | 3 {
  if (actor.state === 'parked') return 3;
  if (actor.state === 'restarting' || actor.detail.stuck === true) return 2;
  return isNearlyFull(actor) || isLimited(actor, at_ms) || actor.detail.connected === false ? 1 : 0;
}

export function isNearlyFull({ mailbox }: Actor): boolean {
  return mailbox.capacity > 0 && mailbox.depth >= mailbox.capacity * MAILBOX_FULL;
}

export function isLimited(actor: Actor, at_ms: number): boolean {
  return Number(actor.detail.limited_until_ms ?? 0) > at_ms;
}

export interface Summary { actors: number; parked: number; restarting: number; restarts: number; refused: number; sessions: number; deepest: Actor | null; handled_per_s: number | null }

export function summarise(actors: readonly Measured[]): Summary {
  const sum = (pick: (actor: Measured) => number) => actors.reduce((total, actor) => total + pick(actor), 0);
  const rates = actors.map((actor) => actor.handled_per_s).filter((rate) => rate !== null);
  const filled = actors.filter((actor) => actor.mailbox.depth > 0);
  return {
    actors: actors.length,
    parked: actors.filter((actor) => actor.state === 'parked').length,
    restarting: actors.filter((actor) => actor.state === 'restarting').length,
    restarts: sum((actor) => actor.restarts),
    refused: sum((actor) => actor.mailbox.refused),
    sessions: sum((actor) => (actor.kind === 'session_hub' ? Number(actor.detail.sessions ?? 0) : 0)),
    deepest: filled.length === 0 ? null : filled.reduce((a, b) => (fullness(b) > fullness(a) ? b : a)),
    handled_per_s: rates.length === 0 ? null : rates.reduce((a, b) => a + b, 0),
  };
}

/** How full the mailbox is, 0 to 1. */
export function fullness({ mailbox }: Actor): number {
  return mailbox.depth / (mailbox.capacity || 1);
}

/** The tree as rows, from the roots down. What was opened or closed by hand stays so; else a group with trouble in it is open. */
export function rowsOf(actors: readonly Measured[], at_ms: number, choice: Choice): Row[] {
  const kept = actors.filter((actor) => matches(actor, choice.needle) && (!choice.trouble || severity(actor, at_ms) > 0));
  if (choice.needle !== '' || choice.trouble) return flatRows(kept, at_ms, choice);
  const names = new Set(actors.map((actor) => actor.name));
  const children = new Map<string | null, Measured[]>();
  for (const actor of actors) {
    const parent = actor.parent !== null && names.has(actor.parent) && actor.parent !== actor.name ? actor.parent : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [actor]);
    else siblings.push(actor);
  }
  const rows: Row[] = [];
  addChildren(rows, children, null, 0, at_ms, choice);
  return rows;
}

type Children = ReadonlyMap<string | null, Measured[]>;

function addChildren(rows: Row[], children: Children, parent: string | null, depth: number, at_ms: number, choice: Choice): void {
  for (const [kind, members] of byKind(children.get(parent) ?? [])) {
    if (members.length < GROUP_MIN) {
      for (const actor of members) addActor(rows, children, actor, depth, at_ms, choice);
      continue;
    }
    const key = `${parent}/${kind}`;
    const open = choice.opened.get(key) ?? members.some((actor) => severity(actor, at_ms) >= 2);
    rows.push({ type: 'group', key, depth, kind, members, open });
    if (!open) continue;
    const sorted = worstFirst(members, at_ms);
    const shown = choice.whole.has(key) ? sorted : sorted.slice(0, GROUP_SHOWN_MAX);
    for (const actor of shown) addActor(rows, children, actor, depth + 1, at_ms, choice);
    if (shown.length < sorted.length) rows.push({ type: 'rest', key, depth: depth + 1, left_out: sorted.length - shown.length });
  }
}

function addActor(rows: Row[], children: Children, actor: Measured, depth: number, at_ms: number, choice: Choice): void {
  const count = children.get(actor.name)?.length ?? 0;
  const open = choice.opened.get(actor.name) ?? true;
  rows.push({ type: 'actor', key: actor.name, depth, actor, children: count, open });
  if (count > 0 && open) addChildren(rows, children, actor.name, depth + 1, at_ms, choice);
}

function flatRows(kept: readonly Measured[], at_ms: number, choice: Choice): Row[] {
  const sorted = worstFirst(kept, at_ms);
  const shown = choice.whole.has('found') ? sorted : sorted.slice(0, GROUP_SHOWN_MAX);
  const rows: Row[] = shown.map((actor) => ({ type: 'actor', key: actor.name, depth: 0, actor, children: 0, open: false }));
  if (shown.length < sorted.length) rows.push({ type: 'rest', key: 'found', depth: 0, left_out: sorted.length - shown.length });
  return rows;
}

/** In the order the kinds first appear. */
function byKind(actors: readonly Measured[]): Map<string, Measured[]> {
  const kinds = new Map<string, Measured[]>();
  for (const actor of actors) {
    const members = kinds.get(actor.kind);
    if (members === undefined) kinds.set(actor.kind, [actor]);
    else members.push(actor);
  }
  return kinds;
}

function worstFirst(actors: readonly Measured[], at_ms: number): Measured[] {
  return [...actors].sort((a, b) => severity(b, at_ms) - severity(a, at_ms) || labelOf(a).localeCompare(labelOf(b)) || a.name.localeCompare(b.name));
}

/** What a person calls this actor: the name its own state gives, beside its place in the tree. */
export function labelOf(actor: Actor): string {
  return typeof actor.detail.name === 'string' && actor.detail.name !== '' ? actor.detail.name : actor.name;
}

function matches(actor: Actor, needle: string): boolean {
  if (needle === '') return true;
  return [actor.name, actor.kind, actor.state, actor.last_panic ?? '', labelOf(actor), String(actor.detail.channel_id ?? '')].some((text) => text.toLowerCase().includes(needle));
}

/** "Source channels" for `source_channel`. */
export function kindWords(kind: string): string {
  const words = kind.replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${words.endsWith('s') ? '' : 's'}`;
}
