// What the operator's page makes of /debug/actors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measure, revisionsPerSecond, rowsOf, severity, summarise } from '../admin/tree_core.js';

function actor(name, kind, parent, more = {}) {
  return { name, kind, parent, state: 'running', generation: 1, restarts: 0, mailbox: { depth: 0, capacity: 100, refused: 0 }, handled: 0, handling_us: { mean: 0, max: 0 }, last_panic: null, detail: {}, ...more };
}

const snapshot = (at_ms, actors) => ({ at_ms, ready: true, not_ready_reason: null, actors });
const choice = (more = {}) => ({ needle: '', trouble: false, opened: new Map(), whole: new Set(), ...more });
const mirrors = (n, more = {}) => Array.from({ length: n }, (_, i) => actor(`mirror/${i}`, 'mirror', 'root', more));
const shapes = (rows) => rows.map((row) => (row.type === 'actor' ? row.actor.name : row.type === 'group' ? `${row.kind}(${row.members.length})${row.open ? '-' : '+'}` : `rest ${row.left_out}`));

test('rates come from two looks; a restarted or new actor has none', () => {
  const before = snapshot(1000, [actor('a', 'router', null, { handled: 10 }), actor('b', 'router', null, { handled: 50 })]);
  const now = snapshot(3000, [actor('a', 'router', null, { handled: 30 }), actor('b', 'router', null, { handled: 60, generation: 2 }), actor('c', 'router', null)]);
  assert.deepEqual(measure(now, before).map((a) => a.handled_per_s), [10, null, null]);
  assert.deepEqual(measure(now, null).map((a) => a.handled_per_s), [null, null, null]);
});

test('revisions per second are the growth of all sequences', () => {
  const channel = (name, seq) => actor(name, 'source_channel', 'router', { detail: { seq } });
  const before = snapshot(0, [channel('x', 10), channel('y', 900)]);
  assert.equal(revisionsPerSecond(snapshot(2000, [channel('x', 30), channel('y', 1), channel('z', 70)]), before), 10);
  assert.equal(revisionsPerSecond(snapshot(2000, []), null), null);
  assert.equal(revisionsPerSecond(before, before), null);
  assert.equal(revisionsPerSecond(snapshot(2000, [channel('x', undefined)]), before), null, 'no channel tells its sequence');
  assert.equal(revisionsPerSecond(snapshot(2000, []), before), 0);
});

test('severity', () => {
  const table = [[{}, 0], [{ state: 'parked' }, 3], [{ state: 'restarting' }, 2], [{ mailbox: { depth: 80, capacity: 100, refused: 0 } }, 1], [{ detail: { stuck: true } }, 2], [{ detail: { connected: false } }, 1], [{ detail: { connected: true } }, 0], [{ detail: { limited_until_ms: 11 } }, 1], [{ detail: { limited_until_ms: 10 } }, 0], [{ mailbox: { depth: 0, capacity: 0, refused: 0 } }, 0]];
  for (const [more, expected] of table) assert.equal(severity(actor('m', 'mirror', null, more), 10), expected, JSON.stringify(more));
});

test('few siblings stand alone, many are a group that opens by hand or by trouble', () => {
  const root = actor('root', 'root', null);
  const few = measure(snapshot(0, [root, ...mirrors(4)]), null);
  assert.deepEqual(shapes(rowsOf(few, 0, choice())), ['root', 'mirror/0', 'mirror/1', 'mirror/2', 'mirror/3']);
  const many = measure(snapshot(0, [root, ...mirrors(6)]), null);
  assert.deepEqual(shapes(rowsOf(many, 0, choice())), ['root', 'mirror(6)+']);
  assert.equal(rowsOf(many, 0, choice({ opened: new Map([['root/mirror', true]]) })).length, 8);
  assert.deepEqual(shapes(rowsOf(many, 0, choice({ opened: new Map([['root', false]]) }))), ['root']);
  many[5].state = 'parked';
  assert.deepEqual(shapes(rowsOf(many, 0, choice())).slice(0, 3), ['root', 'mirror(6)-', 'mirror/4']);
  assert.deepEqual(shapes(rowsOf(many, 0, choice({ opened: new Map([['root/mirror', false]]) }))), ['root', 'mirror(6)+']);
});

test('a large group shows its first hundred, worst first, and the rest on request', () => {
  const actors = measure(snapshot(0, [actor('root', 'root', null), ...mirrors(250)]), null);
  actors[200].state = 'restarting';
  const opened = new Map([['root/mirror', true]]);
  const rows = rowsOf(actors, 0, choice({ opened }));
  assert.deepEqual([rows.length, shapes(rows)[2], shapes(rows).at(-1)], [103, 'mirror/199', 'rest 150']);
  assert.equal(rowsOf(actors, 0, choice({ opened, whole: new Set(['root/mirror']) })).length, 252);
});

test('search and "only trouble" flatten the tree; an unknown parent does not hide an actor', () => {
  const actors = measure(snapshot(0, [actor('root', 'root', null), actor('lost', 'mirror', 'nobody', { state: 'parked', last_panic: 'index out of bounds' }), ...mirrors(3)]), null);
  assert.deepEqual(shapes(rowsOf(actors, 0, choice({ needle: 'bounds' }))), ['lost']);
  assert.deepEqual(shapes(rowsOf(actors, 0, choice({ trouble: true }))), ['lost']);
  assert.ok(shapes(rowsOf(actors, 0, choice())).includes('lost'));
});

test('the summary adds up', () => {
  const actors = [
    actor('h0', 'session_hub', 'root', { detail: { sessions: 3, replaying: 1 } }), actor('h1', 'session_hub', 'root', { detail: { sessions: 4 } }),
    actor('m0', 'mirror', 'root', { detail: { backlog: 7, oldest_age_ms: 900, limited_until_ms: 50 } }), actor('m1', 'mirror', 'root', { state: 'parked', detail: { backlog: 2 } }),
    actor('w0', 'store_writer', 'root', { mailbox: { depth: 5, capacity: 64, refused: 2 } }),
  ];
  const of = (list) => summarise(measure(snapshot(10, list), null), 10, snapshot(10, list), null);
  const s = of(actors);
  assert.deepEqual([s.sessions, s.replaying, s.deliveries_pending, s.oldest_age_ms, s.mirrors_limited, s.mirrors_parked, s.parked, s.store_depth, s.store_capacity, s.refused], [7, 1, 9, 900, 1, 1, 1, 5, 64, 2]);
  assert.equal(of([...actors, actor('l', 'delivery_ledger', 'root', { detail: { pending: 40 } })]).deliveries_pending, 40);
});
