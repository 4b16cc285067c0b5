// What the page makes of the actors.

import { expect, test } from 'vitest';
import type { Actor, ActorSnapshot } from '../../api/types';
import { kindWords, labelOf, measure, named, rowsOf, severity, summarise, type Choice, type Row } from './actors_core';

function actor(name: string, kind: string, parent: string | null, more: Partial<Actor> = {}): Actor {
  return { name, kind, parent, state: 'running', generation: 1, restarts: 0, mailbox: { depth: 0, capacity: 100, refused: 0 }, handled: 0, handling_us: { mean: 0, max: 0 }, last_panic: null, detail: {}, ...more };
}
const snapshot = (at_ms: number, actors: Actor[]): ActorSnapshot => ({ at_ms, ready: true, not_ready_reason: null, actors });
const choice = (more: Partial<Choice> = {}): Choice => ({ needle: '', trouble: false, opened: new Map(), whole: new Set(), ...more });
const mirrors = (n: number) => Array.from({ length: n }, (_, i) => actor(`mirror/${i}`, 'mirror', 'root'));
const shapes = (rows: Row[]) => rows.map((row) => (row.type === 'actor' ? row.actor.name : row.type === 'group' ? `${row.kind}(${row.members.length})${row.open ? '-' : '+'}` : `rest ${row.left_out}`));

test('rates come from two looks; a restarted or new actor has none', () => {
  const before = snapshot(1000, [actor('a', 'router', null, { handled: 10 }), actor('b', 'router', null, { handled: 50 })]);
  const now = snapshot(3000, [actor('a', 'router', null, { handled: 30 }), actor('b', 'router', null, { handled: 60, generation: 2 }), actor('c', 'router', null)]);
  expect(measure(now, before).map((one) => one.handled_per_s)).toEqual([10, null, null]);
  expect(measure(now, null).map((one) => one.handled_per_s)).toEqual([null, null, null]);
});

test('mirrors are called by their channel', () => {
  const known = named(snapshot(0, [actor('mirror/7', 'mirror', null), actor('mirror/8', 'mirror', null), actor('router', 'router', null)]), new Map([['7', 'calls'], ['8', null]]));
  expect(known.actors.map(labelOf)).toEqual(['#calls', 'mirror/8', 'router']);
  expect(named(null, new Map([['7', 'calls']]))).toBeNull();
});

test('severity', () => {
  const table: [Partial<Actor>, number][] = [
    [{}, 0], [{ state: 'parked' }, 3], [{ state: 'restarting' }, 2], [{ mailbox: { depth: 80, capacity: 100, refused: 0 } }, 1], [{ detail: { stuck: true } }, 2], [{ detail: { connected: false } }, 1],
    [{ detail: { connected: true } }, 0], [{ detail: { limited_until_ms: 11 } }, 1], [{ detail: { limited_until_ms: 10 } }, 0], [{ mailbox: { depth: 0, capacity: 0, refused: 0 } }, 0],
  ];
  for (const [more, expected] of table) expect(severity(actor('m', 'mirror', null, more), 10), JSON.stringify(more)).toBe(expected);
});

test('few siblings stand alone, many are a group that opens by hand or by trouble', () => {
  const root = actor('root', 'root', null);
  expect(shapes(rowsOf(measure(snapshot(0, [root, ...mirrors(4)]), null), 0, choice()))).toEqual(['root', 'mirror/0', 'mirror/1', 'mirror/2', 'mirror/3']);
  const many = measure(snapshot(0, [root, ...mirrors(6)]), null);
  expect(shapes(rowsOf(many, 0, choice()))).toEqual(['root', 'mirror(6)+']);
  expect(rowsOf(many, 0, choice({ opened: new Map([['root/mirror', true]]) })).length).toBe(8);
  expect(shapes(rowsOf(many, 0, choice({ opened: new Map([['root', false]]) })))).toEqual(['root']);
  const troubled = many.map((one) => (one.name === 'mirror/4' ? { ...one, state: 'parked' as const } : one));
  expect(shapes(rowsOf(troubled, 0, choice())).slice(0, 3)).toEqual(['root', 'mirror(6)-', 'mirror/4']);
  expect(shapes(rowsOf(troubled, 0, choice({ opened: new Map([['root/mirror', false]]) })))).toEqual(['root', 'mirror(6)+']);
});

test('a large group shows its first hundred, worst first, and the rest on request', () => {
  const actors = measure(snapshot(0, [actor('root', 'root', null), ...mirrors(250)]), null).map((one) => (one.name === 'mirror/199' ? { ...one, state: 'restarting' as const } : one));
  const opened = new Map([['root/mirror', true]]);
  const rows = rowsOf(actors, 0, choice({ opened }));
  expect([rows.length, shapes(rows)[2], shapes(rows).at(-1)]).toEqual([103, 'mirror/199', 'rest 150']);
  expect(rowsOf(actors, 0, choice({ opened, whole: new Set(['root/mirror']) })).length).toBe(252);
});

test('search and "only trouble" flatten the tree; an unknown parent does not hide an actor', () => {
  const actors = measure(snapshot(0, [actor('root', 'root', null), actor('lost', 'mirror', 'nobody', { state: 'parked', last_panic: 'index out of bounds' }), ...mirrors(3)]), null);
  expect(shapes(rowsOf(actors, 0, choice({ needle: 'bounds' })))).toEqual(['lost']);
  expect(shapes(rowsOf(actors, 0, choice({ trouble: true })))).toEqual(['lost']);
  expect(shapes(rowsOf(actors, 0, choice()))).toContain('lost');
});

test('the summary adds up', () => {
  const summary = summarise(measure(snapshot(10, [
    actor('h0', 'session_hub', 'root', { detail: { sessions: 3 } }), actor('h1', 'session_hub', 'root', { detail: { sessions: 4 } }),
    actor('m0', 'mirror', 'root', { state: 'parked', restarts: 3 }), actor('w0', 'store_writer', 'root', { mailbox: { depth: 5, capacity: 64, refused: 2 } }),
  ]), null));
  expect([summary.actors, summary.parked, summary.restarting, summary.restarts, summary.refused, summary.sessions, summary.deepest?.name, summary.handled_per_s]).toEqual([4, 1, 0, 3, 2, 7, 'w0', null]);
  expect(kindWords('source_channel')).toBe('Source channels');
});
