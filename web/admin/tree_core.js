// @ts-check
// From two looks at /debug/actors to what the page shows: rates, the tree grouped by kind, what is in trouble, the summary.
// Pure: knows no DOM and no clock but the server's own `at_ms`.

/**
 * @typedef {{ name: string, kind: string, parent: string | null, state: 'running' | 'restarting' | 'parked' | 'stopped', generation: number,
 *   restarts: number, mailbox: { depth: number, capacity: number, refused: number }, handled: number,
 *   handling_us: { mean: number, max: number }, last_panic: string | null, detail: Record<string, any> }} Actor
 * @typedef {{ at_ms: number, ready: boolean, not_ready_reason: string | null, actors: Actor[] }} Snapshot
 * @typedef {Actor & { handled_per_s: number | null }} Measured
 * @typedef {{ type: 'actor', key: string, depth: number, actor: Measured, children: number, open: boolean }
 *   | { type: 'group', key: string, depth: number, kind: string, members: Measured[], open: boolean }
 *   | { type: 'rest', key: string, depth: number, left_out: number }} Row
 * `opened`: what a person opened (true) or closed (false). `whole`: groups of which every member is wanted.
 * @typedef {{ needle: string, trouble: boolean, opened: ReadonlyMap<string, boolean>, whole: ReadonlySet<string> }} Choice
 */

/** Siblings of one kind from this many on are one line that opens. */
const GROUP_MIN = 5;
const GROUP_SHOWN_MAX = 100;
const MAILBOX_FULL = 0.8;

/**
 * The actors with their rate since the look before. An actor that was restarted counts from nothing again: no rate.
 * @param {Snapshot} now
 * @param {Snapshot | null} before
 * @returns {Measured[]}
 */
export function measure(now, before) {
  const span_s = before === null ? 0 : (now.at_ms - before.at_ms) / 1000;
  const old = new Map((before?.actors ?? []).map((actor) => [actor.name, actor]));
  return now.actors.map((actor) => {
    const was = old.get(actor.name);
    const known = was !== undefined && was.generation === actor.generation && span_s > 0 && actor.handled >= was.handled;
    return { ...actor, handled_per_s: known ? (actor.handled - was.handled) / span_s : null };
  });
}

/**
 * How bad it stands: 3 parked; 2 restarting, or stuck: it does not answer for its own state; 1 a mailbox that is nearly
 * full, a limited mirror or a lost database connection; 0 well.
 * @param {Actor} actor
 * @param {number} at_ms
 */
export function severity(actor, at_ms) {
  if (actor.state === 'parked') return 3;
  if (actor.state === 'restarting' || actor.detail?.stuck === true) return 2;
  return isNearlyFull(actor) || isLimited(actor, at_ms) || actor.detail?.connected === false ? 1 : 0;
}

/** @param {Actor} actor */
export function isNearlyFull({ mailbox }) {
  return mailbox.capacity > 0 && mailbox.depth >= mailbox.capacity * MAILBOX_FULL;
}

/** @param {Actor} actor @param {number} at_ms */
export function isLimited(actor, at_ms) {
  return Number(actor.detail?.limited_until_ms ?? 0) > at_ms;
}

/**
 * @param {Measured[]} actors
 * @param {number} at_ms
 * @param {Snapshot} now
 * @param {Snapshot | null} before
 */
export function summarise(actors, at_ms, now, before) {
  const of = (/** @type {string} */ kind) => actors.filter((actor) => actor.kind === kind);
  const sum = (/** @type {Measured[]} */ list, /** @type {(a: Measured) => number} */ pick) => list.reduce((total, actor) => total + pick(actor), 0);
  const mirrors = of('mirror');
  const ledger = of('delivery_ledger').map((actor) => actor.detail?.pending).filter((pending) => typeof pending === 'number');
  return {
    ready: now.ready,
    not_ready_reason: now.not_ready_reason,
    sessions: sum(of('session_hub'), (hub) => Number(hub.detail?.sessions ?? 0)),
    replaying: sum(of('session_hub'), (hub) => Number(hub.detail?.replaying ?? 0)),
    channels: of('source_channel').length,
    revisions_per_s: revisionsPerSecond(now, before),
    deliveries_pending: ledger.length > 0 ? ledger.reduce((a, b) => a + b, 0) : sum(mirrors, (mirror) => Number(mirror.detail?.backlog ?? 0)),
    oldest_age_ms: Math.max(0, ...mirrors.map((mirror) => Number(mirror.detail?.oldest_age_ms ?? 0))),
    mirrors: mirrors.length,
    mirrors_limited: mirrors.filter((mirror) => isLimited(mirror, at_ms)).length,
    parked: actors.filter((actor) => actor.state === 'parked').length,
    mirrors_parked: mirrors.filter((mirror) => mirror.state === 'parked').length,
    store_depth: sum(of('store_writer'), (writer) => writer.mailbox.depth),
    store_capacity: sum(of('store_writer'), (writer) => writer.mailbox.capacity),
    refused: sum(actors, (actor) => actor.mailbox.refused),
  };
}

/**
 * A sequence grows by one with every revision, so the growth of all of them is the rate. A new epoch starts lower and is
 * left out; without any sequence to look at there is no rate.
 * @param {Snapshot} now
 * @param {Snapshot | null} before
 * @returns {number | null}
 */
export function revisionsPerSecond(now, before) {
  if (before === null || now.at_ms <= before.at_ms) return null;
  const sequenced = (/** @type {Actor} */ actor) => actor.kind === 'source_channel' && typeof actor.detail?.seq === 'number';
  if (now.actors.some((actor) => actor.kind === 'source_channel') && !now.actors.some(sequenced)) return null;
  const old = new Map(before.actors.filter(sequenced).map((actor) => [actor.name, Number(actor.detail.seq)]));
  let grown = 0;
  for (const actor of now.actors) {
    const was = old.get(actor.name);
    if (sequenced(actor) && was !== undefined && actor.detail.seq > was) grown += actor.detail.seq - was;
  }
  return grown / ((now.at_ms - before.at_ms) / 1000);
}

/**
 * The tree as rows, from the roots down. What was opened or closed by hand stays so; else a group with trouble in it is open.
 * @param {Measured[]} actors
 * @param {number} at_ms
 * @param {Choice} choice
 * @returns {Row[]}
 */
export function rowsOf(actors, at_ms, choice) {
  const kept = actors.filter((actor) => matches(actor, choice.needle) && (!choice.trouble || severity(actor, at_ms) > 0));
  if (choice.needle !== '' || choice.trouble) return flatRows(kept, at_ms, choice);
  const names = new Set(actors.map((actor) => actor.name));
  /** @type {Map<string | null, Measured[]>} */
  const children = new Map();
  for (const actor of actors) {
    const parent = actor.parent !== null && names.has(actor.parent) && actor.parent !== actor.name ? actor.parent : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [actor]);
    else siblings.push(actor);
  }
  /** @type {Row[]} */
  const rows = [];
  addChildren(rows, children, null, 0, at_ms, choice);
  return rows;
}

/**
 * @param {Row[]} rows @param {Map<string | null, Measured[]>} children @param {string | null} parent
 * @param {number} depth @param {number} at_ms @param {Choice} choice
 */
function addChildren(rows, children, parent, depth, at_ms, choice) {
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

/**
 * @param {Row[]} rows @param {Map<string | null, Measured[]>} children @param {Measured} actor
 * @param {number} depth @param {number} at_ms @param {Choice} choice
 */
function addActor(rows, children, actor, depth, at_ms, choice) {
  const count = children.get(actor.name)?.length ?? 0;
  const open = choice.opened.get(actor.name) ?? true;
  rows.push({ type: 'actor', key: actor.name, depth, actor, children: count, open });
  if (count > 0 && open) addChildren(rows, children, actor.name, depth + 1, at_ms, choice);
}

/** @param {Measured[]} kept @param {number} at_ms @param {Choice} choice @returns {Row[]} */
function flatRows(kept, at_ms, choice) {
  const sorted = worstFirst(kept, at_ms);
  const shown = choice.whole.has('found') ? sorted : sorted.slice(0, GROUP_SHOWN_MAX);
  /** @type {Row[]} */
  const rows = shown.map((actor) => ({ type: 'actor', key: actor.name, depth: 0, actor, children: 0, open: false }));
  if (shown.length < sorted.length) rows.push({ type: 'rest', key: 'found', depth: 0, left_out: sorted.length - shown.length });
  return rows;
}

/** @param {Measured[]} actors @returns {Map<string, Measured[]>} in the order the kinds first appear */
function byKind(actors) {
  /** @type {Map<string, Measured[]>} */
  const kinds = new Map();
  for (const actor of actors) {
    const members = kinds.get(actor.kind);
    if (members === undefined) kinds.set(actor.kind, [actor]);
    else members.push(actor);
  }
  return kinds;
}

/** @param {Measured[]} actors @param {number} at_ms */
function worstFirst(actors, at_ms) {
  return [...actors].sort((a, b) => severity(b, at_ms) - severity(a, at_ms) || labelOf(a).localeCompare(labelOf(b)) || a.name.localeCompare(b.name));
}

/**
 * What a person calls this actor: the name its own state gives, beside its place in the tree.
 * @param {Actor} actor
 */
export function labelOf(actor) {
  return typeof actor.detail?.name === 'string' && actor.detail.name !== '' ? actor.detail.name : actor.name;
}

/** @param {Actor} actor @param {string} needle lower case */
function matches(actor, needle) {
  if (needle === '') return true;
  return [actor.name, actor.kind, actor.state, actor.last_panic ?? '', labelOf(actor), String(actor.detail?.channel_id ?? '')]
    .some((text) => text.toLowerCase().includes(needle));
}
