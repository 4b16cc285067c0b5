// What the operator's page makes of target channels, dead letters and trails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backlogOf, colourOf, latencyOf, previewOf, stepsOf, whyOf, wordsOf } from '../admin/mirrors_core.js';

const target = (more = {}) => ({ backlog: 0, backlog_is_more: false, backlog_since_ms: null, reason: null, obstacle: null, limited_until_ms: null, ...more });
const payload = (more = {}) => ({ text: '', embeds: [], attachments: [], deleted: false, ...more });

test('states have words and colours, also those that are not known here', () => {
  assert.deepEqual(['healthy', 'limited', 'stopped', 'dead_letter', 'something_new'].map((state) => [wordsOf(state), colourOf(state)]),
    [['healthy', 'good'], ['limited', 'warn'], ['stopped', 'bad'], ['dead letter', 'bad'], ['something new', '']]);
});

test('why a target stands as it does', () => {
  assert.equal(whyOf(target(), 0), '');
  assert.equal(whyOf(target({ reason: 'channel bucket', limited_until_ms: 2500, obstacle: 'give it Send Messages' }), 1000), 'channel bucket; for 1.5 s; give it Send Messages');
  assert.equal(whyOf(target({ limited_until_ms: 2500 }), 2500), '');
});

test('a backlog with its age, and counts that stop at a bound', () => {
  assert.equal(backlogOf(target(), 0), 'none');
  assert.equal(backlogOf(target({ backlog: 1204, backlog_since_ms: 0 }), 180_000), '1,204, oldest 3 min');
  assert.equal(backlogOf(target({ backlog: 10_000, backlog_is_more: true, backlog_since_ms: null }), 0), 'more than 10,000');
});

test('latencies', () => {
  assert.equal(latencyOf(null), '–');
  assert.equal(latencyOf({ count: 3, p50_ms: 80, p95_ms: 120, p99_ms: 1400 }), '80 ms / 120 ms / 1.4 s');
});

test('a preview says what there is and is bounded', () => {
  assert.equal(previewOf(null), 'its row does not read');
  assert.equal(previewOf(payload({ deleted: true, text: 'x' })), 'deleted');
  assert.equal(previewOf(payload()), 'nothing but its author');
  assert.equal(previewOf(payload({ text: 'long\n\nfrom', embeds: [{ title: 'Chart' }, { description: 'up' }], attachments: [{ filename: 'a.png' }] })), 'long from · Chart · up · a.png');
  // Whole characters, not halves of them.
  const long = previewOf(payload({ text: '😀'.repeat(300) }));
  assert.equal(long, `${'😀'.repeat(240)}…`);
});

test('a trail in steps', () => {
  const trail = {
    signal: { source_channel_id: '1', source_channel_name: 'desk', is_visible: true },
    captured: [{ connector_id: 'c1', received_at_ms: 10, correlation_id: 'abc' }],
    committed: [{ revision: 1, kind: 'create', epoch: 1, seq: 7, committed_at_ms: 12, late: true, sessions: 1 }, { revision: 2, kind: 'update', epoch: 1, seq: 8, committed_at_ms: 22, late: false, sessions: null }],
    deliveries: [
      { target_channel_id: '2', target_channel_name: null, state: 'delivered', explanation: 'fine', desired_revision: 2, delivered_revision: 2, attempts: 0, delay_ms: 90,
        parts: [{ link: 'https://discord.com/channels/1/2/3', posted_at_ms: 40 }, { link: null, posted_at_ms: 30 }] },
      { target_channel_id: '4', target_channel_name: 'vip', state: 'dead_letter', explanation: 'given up: no', desired_revision: 2, delivered_revision: 0, attempts: 8, delay_ms: null, parts: [] },
    ],
    not_delivered: [{ target_channel_id: '5', target_channel_name: 'late', reason: 'made after it' }, { target_channel_id: null, target_channel_name: null, reason: 'no mapping' }],
  };
  assert.deepEqual(stepsOf(trail).map((step) => [step.at_ms, step.title, step.text, step.colour]), [
    [10, 'Captured', 'by c1 in #desk, request abc', ''],
    [12, 'Committed: create', 'revision 1, sequence 1.7, late, sent to 1 session', 'warn'],
    [22, 'Committed: update', 'revision 2, sequence 1.8, sessions not known any more', 'good'],
    [30, '2: delivered', 'fine, revision 2 of 2, first message after 90 ms', 'good'],
    [null, '#vip: dead letter', 'given up: no, revision 0 of 2, 8 attempts', 'bad'],
    [null, 'Not in #late', 'made after it', ''],
    [null, 'Nowhere', 'no mapping', ''],
  ]);
  assert.deepEqual(stepsOf(trail)[3].links, ['https://discord.com/channels/1/2/3']);
  const held = stepsOf({ ...trail, signal: { ...trail.signal, is_visible: false }, committed: [], deliveries: [], not_delivered: [] });
  assert.deepEqual(held.map((step) => step.title), ['Captured', 'Held']);
});
