// A trail in steps.

import { expect, test } from 'vitest';
import type { Trail } from '../../api/types';
import { stepsOf } from './trail_core';

const SIGNAL = { signal_id: '1', source_channel_id: '2', source_channel_name: 'calls', source_guild_name: null, is_visible: true, created_at_ms: 0, deleted_at_ms: null, revision: 1 };
const trail = (more: Partial<Trail> = {}): Trail => ({ signal: SIGNAL, captured: [], committed: [], deliveries: [], not_delivered: [], ...more });

test('capture, commits, deliveries and what was not delivered', () => {
  const steps = stepsOf(trail({
    captured: [{ received_at_ms: 1, connector_id: 'c', correlation_id: 'r' }],
    committed: [{ accepted_at_ms: 1, committed_at_ms: 2, kind: 'create', revision: 1, epoch: 1, seq: 9, late: true, sessions: 1 }],
    deliveries: [{ target_channel_id: '7', target_channel_name: null, state: 'dead_letter', mapping_id: 1, created_at_ms: 0, last_error: null, next_attempt_at_ms: null, explanation: 'no permission', delivered_revision: 0, desired_revision: 1, attempts: 5, delay_ms: null, parts: [{ part: 0, message_id: '8', link: 'https://discord.com/x', posted_at_ms: 5 }, { part: 1, message_id: '9', link: 'javascript:x', posted_at_ms: 4 }] }],
    not_delivered: [{ mapping_id: null, target_channel_id: null, target_channel_name: null, reason: 'no mapping' }],
  }));
  expect(steps.map((step) => step.title)).toEqual(['Captured', 'Committed: create', '7: dead letter', 'Nowhere']);
  expect(steps[0]?.text).toBe('by c in #calls, request r');
  expect(steps[1]).toMatchObject({ text: 'revision 1, sequence 1.9, late, sent to 1 session', tone: 'warn' });
  expect(steps[2]).toMatchObject({ at_ms: 4, tone: 'bad', links: ['https://discord.com/x'], text: 'no permission, revision 0 of 1, 5 attempts' });
});

test('a held signal says so', () => {
  expect(stepsOf(trail({ signal: { ...SIGNAL, is_visible: false } }))[0]?.title).toBe('Held');
});
