// @ts-check
// What the operator's page makes of target channels, dead letters and trails. Pure: knows no DOM, and "now" is an argument.

import { count, duration } from '../shared/format.js';

const PREVIEW_LENGTH_MAX = 240;

/**
 * @typedef {{ count: number, p50_ms: number, p95_ms: number, p99_ms: number }} Percentiles
 * @typedef {{ target_channel_id: string, name: string | null, guild_id: string | null, guild_name: string | null, is_paused: boolean, version: number,
 *   obstacle: string | null, inspected_at_ms: number | null, mappings: number, backlog: number, backlog_is_more: boolean, backlog_since_ms: number | null,
 *   dead_letters: number, dead_letters_are_more: boolean, state: string, reason: string | null, limited_until_ms: number | null,
 *   latency: { create: Percentiles | null, edit: Percentiles | null, delete: Percentiles | null } }} Target
 * @typedef {{ text: string, embeds: { title?: string, description?: string }[], attachments: { filename: string }[], deleted: boolean,
 *   author?: { username?: string, global_name?: string } }} Payload
 * @typedef {{ at_ms: number | null, title: string, text: string, colour: '' | 'good' | 'warn' | 'bad', links: string[] }} Step
 */

/** @type {Record<string, '' | 'good' | 'warn' | 'bad'>} */
const COLOURS = {
  healthy: 'good', delivered: 'good', limited: 'warn', paused: 'warn', pending: 'warn', failing: 'bad', parked: 'bad', stopped: 'bad', dead_letter: 'bad',
};

/**
 * The colour of a state of a mirror or a delivery.
 * @param {string} state
 */
export function colourOf(state) {
  return COLOURS[state] ?? '';
}

/**
 * A state as people say it.
 * @param {string} state
 */
export function wordsOf(state) {
  return state.replaceAll('_', ' ');
}

/**
 * Why a target stands as it does, in one line; empty when there is nothing to say.
 * @param {Target} target
 * @param {number} now_ms
 */
export function whyOf(target, now_ms) {
  const limited = target.limited_until_ms !== null && target.limited_until_ms > now_ms ? `for ${duration(target.limited_until_ms - now_ms)}` : null;
  return [target.reason, limited, target.obstacle].filter((words) => words !== null && words !== '').join('; ');
}

/**
 * "1,204, oldest 3 min", or "none".
 * @param {Target} target
 * @param {number} now_ms
 */
export function backlogOf(target, now_ms) {
  if (target.backlog === 0) return 'none';
  const oldest = target.backlog_since_ms === null ? '' : `, oldest ${duration(now_ms - target.backlog_since_ms)}`;
  return `${atLeast(target.backlog, target.backlog_is_more)}${oldest}`;
}

/**
 * A count that stops at a bound.
 * @param {number} n
 * @param {boolean} is_more
 */
export function atLeast(n, is_more) {
  return is_more ? `more than ${count(n)}` : count(n);
}

/**
 * Median, 95th and 99th percentile as "80 ms / 120 ms / 1.4 s".
 * @param {Percentiles | null} percentiles
 */
export function latencyOf(percentiles) {
  if (percentiles === null) return '–';
  return [percentiles.p50_ms, percentiles.p95_ms, percentiles.p99_ms].map(duration).join(' / ');
}

/**
 * What a signal says, short enough for a table.
 * @param {Payload | null} payload
 */
export function previewOf(payload) {
  if (payload === null) return 'its row does not read';
  if (payload.deleted) return 'deleted';
  const words = [payload.text, ...payload.embeds.flatMap((embed) => [embed.title, embed.description])].filter((part) => part !== undefined && part !== '');
  const files = payload.attachments.map((attachment) => attachment.filename);
  const whole = [...words, ...files].join(' · ').replace(/\s+/g, ' ');
  const letters = [...whole];
  return letters.length > PREVIEW_LENGTH_MAX ? `${letters.slice(0, PREVIEW_LENGTH_MAX).join('')}…` : whole || 'nothing but its author';
}

/**
 * A trail as steps, in the order in which they belong together: capture, commits, then one target after the other.
 * @param {any} trail
 * @returns {Step[]}
 */
export function stepsOf(trail) {
  const { signal } = trail;
  const name = signal.source_channel_name === null ? signal.source_channel_id : `#${signal.source_channel_name}`;
  const captured = trail.captured.map((/** @type {any} */ body) => step(body.received_at_ms, 'Captured', `by ${body.connector_id} in ${name}, request ${body.correlation_id}`));
  const committed = trail.committed.map((/** @type {any} */ revision) => step(
    revision.committed_at_ms,
    `Committed: ${revision.kind}`,
    [`revision ${revision.revision}, sequence ${revision.epoch}.${revision.seq}`, revision.late && 'late', sessions(revision.sessions)].filter(Boolean).join(', '),
    revision.late ? 'warn' : 'good',
  ));
  const delivered = trail.deliveries.flatMap((/** @type {any} */ delivery) => deliverySteps(delivery));
  const missing = trail.not_delivered.map((/** @type {any} */ none) => step(null, none.target_channel_id === null ? 'Nowhere' : `Not in ${targetName(none)}`, none.reason));
  const held = signal.is_visible ? [] : [step(null, 'Held', 'readers do not see it: its create has not come')];
  return [...captured, ...committed, ...held, ...delivered, ...missing];
}

/** @param {any} delivery @returns {Step[]} */
function deliverySteps(delivery) {
  const facts = [
    delivery.explanation,
    `revision ${delivery.delivered_revision} of ${delivery.desired_revision}`,
    delivery.attempts > 0 && `${delivery.attempts} attempts`,
    delivery.delay_ms !== null && `first message after ${duration(delivery.delay_ms)}`,
  ];
  const links = delivery.parts.map((/** @type {any} */ part) => part.link).filter((/** @type {unknown} */ link) => typeof link === 'string');
  const first = delivery.parts.length === 0 ? null : Math.min(...delivery.parts.map((/** @type {any} */ part) => part.posted_at_ms));
  return [{ ...step(first, `${targetName(delivery)}: ${wordsOf(delivery.state)}`, facts.filter(Boolean).join(', '), colourOf(delivery.state)), links }];
}

/** @param {{ target_channel_id: string, target_channel_name: string | null }} target */
function targetName(target) {
  return target.target_channel_name === null ? target.target_channel_id : `#${target.target_channel_name}`;
}

/** @param {number | null} n */
function sessions(n) {
  return n === null ? 'sessions not known any more' : `sent to ${count(n)} ${n === 1 ? 'session' : 'sessions'}`;
}

/** @param {number | null} at_ms @param {string} title @param {string} text @param {Step['colour']} [colour] @returns {Step} */
function step(at_ms, title, text, colour = '') {
  return { at_ms, title, text, colour, links: [] };
}
