// A trail as steps, in the order in which they belong together: capture, commits, then one target after the other. Pure.

import type { Trail, TrailDelivery } from '../../api/types';
import { duration, plural, toneOf, words, type Tone } from '../../lib/format';

export interface Step { at_ms: number | null; title: string; text: string; tone: Tone; links: string[] }

export function stepsOf(trail: Trail): Step[] {
  const { signal } = trail;
  const channel = signal.source_channel_name === null ? signal.source_channel_id : `#${signal.source_channel_name}`;
  const captured = trail.captured.map((body) => step(body.received_at_ms, 'Captured', `by ${body.connector_id} in ${channel}, request ${body.correlation_id}`));
  const committed = trail.committed.map((revision) => step(
    revision.committed_at_ms,
    `Committed: ${revision.kind}`,
    [`revision ${revision.revision}, sequence ${revision.epoch}.${revision.seq}`, revision.late && 'late', sessions(revision.sessions)].filter(Boolean).join(', '),
    revision.late ? 'warn' : 'good',
  ));
  const held = signal.is_visible ? [] : [step(null, 'Held', 'readers do not see it: its create has not come', 'warn')];
  const missing = trail.not_delivered.map((none) => step(null, none.target_channel_id === null ? 'Nowhere' : `Not in ${targetName(none)}`, none.reason));
  return [...captured, ...committed, ...held, ...trail.deliveries.map(deliveryStep), ...missing];
}

function deliveryStep(delivery: TrailDelivery): Step {
  const facts = [
    delivery.explanation,
    `revision ${delivery.delivered_revision} of ${delivery.desired_revision}`,
    delivery.attempts > 0 && plural(delivery.attempts, 'attempt'),
    delivery.delay_ms !== null && `first message after ${duration(delivery.delay_ms)}`,
  ];
  const first = delivery.parts.length === 0 ? null : Math.min(...delivery.parts.map((part) => part.posted_at_ms));
  const links = delivery.parts.map((part) => part.link).filter((link) => typeof link === 'string' && /^https?:\/\//.test(link)) as string[];
  return { ...step(first, `${targetName(delivery)}: ${words(delivery.state)}`, facts.filter(Boolean).join(', '), toneOf(delivery.state)), links };
}

function targetName(target: { target_channel_id: string | null; target_channel_name: string | null }): string {
  return target.target_channel_name === null ? (target.target_channel_id ?? 'no channel') : `#${target.target_channel_name}`;
}

function sessions(n: number | null): string {
  return n === null ? 'sessions not known any more' : `sent to ${plural(n, 'session')}`;
}

function step(at_ms: number | null, title: string, text: string, tone: Tone = ''): Step {
  return { at_ms, title, text, tone, links: [] };
}
