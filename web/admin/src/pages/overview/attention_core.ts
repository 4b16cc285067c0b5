// What a person should look at, worst first, each with where to go. Pure.

import type { Mapping, Pulse, Target } from '../../api/types';
import { connectorState } from '../connectors/connectors_core';
import { duration, plural } from '../../lib/format';

export interface Concern { key: string; tone: 'bad' | 'warn'; text: string; detail?: string; href: string }
const NAMED_MAX = 4;

/** `names`: of connectors. What was not read yet is null and says nothing. */
export function concernsOf(now_ms: number, pulse: Pulse | null, targets: readonly Target[] | null, broken: readonly Mapping[] | null, names: ReadonlyMap<string, string>): Concern[] {
  const found: Concern[] = [];
  if (pulse !== null) found.push(...ofPulse(pulse, now_ms, names));
  if (targets !== null) found.push(...ofTargets(targets, now_ms));
  for (const mapping of (broken ?? []).slice(0, NAMED_MAX)) {
    const name = `${mapping.source.name ?? mapping.source_channel_id} → ${mapping.target.name ?? mapping.target_channel_id}`;
    found.push({ key: `mapping-${mapping.mapping_id}`, tone: 'bad', text: `Mapping ${name} does not work`, detail: mapping.trouble ?? undefined, href: `/mappings/${mapping.mapping_id}` });
  }
  if ((broken?.length ?? 0) > NAMED_MAX) found.push({ key: 'mappings', tone: 'bad', text: 'More mappings do not work', href: '/mappings?state=broken' });
  return [...found.filter((one) => one.tone === 'bad'), ...found.filter((one) => one.tone === 'warn')];
}

function ofPulse(pulse: Pulse, now_ms: number, names: ReadonlyMap<string, string>): Concern[] {
  const found: Concern[] = [];
  if (!pulse.ready) found.push({ key: 'ready', tone: 'bad', text: 'The router is not ready', detail: pulse.not_ready_reason ?? undefined, href: '/actors' });
  if (pulse.actors.parked > 0) found.push({ key: 'parked', tone: 'bad', text: `${plural(pulse.actors.parked, 'actor')} parked`, detail: 'Stopped after too many faults, until unparked.', href: '/actors?show=trouble' });
  if (pulse.actors.restarting > 0) found.push({ key: 'restarting', tone: 'warn', text: `${plural(pulse.actors.restarting, 'actor')} restarting`, href: '/actors?show=trouble' });
  const deepest = pulse.actors.deepest;
  if (deepest !== null && deepest.capacity > 0 && deepest.depth >= deepest.capacity * 0.8) {
    found.push({ key: 'deepest', tone: 'warn', text: `The mailbox of ${deepest.name} is nearly full`, detail: `${deepest.depth} of ${deepest.capacity}`, href: '/actors?show=trouble' });
  }
  if (pulse.bot.state === 'failing' || pulse.bot.state === 'no_token') found.push({ key: 'bot', tone: 'bad', text: pulse.bot.state === 'no_token' ? 'The bot has no token' : "The bot does not get through to Discord", detail: pulse.bot.reason ?? undefined, href: '/bot' });
  if (pulse.dead_letters > 0) found.push({ key: 'dead', tone: 'bad', text: plural(pulse.dead_letters, 'dead letter'), detail: 'Deliveries given up: put right what stopped them, then redrive.', href: '/dead-letters' });
  if (pulse.quarantined > 0) found.push({ key: 'quarantined', tone: 'warn', text: `${plural(pulse.quarantined, 'item')} in quarantine`, href: '/quarantine' });
  for (const connector of pulse.connectors) {
    const name = names.get(connector.connector_id) || connector.connector_id;
    const href = `/connectors/${encodeURIComponent(connector.connector_id)}`;
    const state = connectorState({ ...connector, ingest_enabled: true }, now_ms);
    if (state.state === 'silent') found.push({ key: `silent-${connector.connector_id}`, tone: 'bad', text: `Connector ${name} is silent`, detail: state.why, href });
    if (connector.discovery?.state === 'timed_out') found.push({ key: `discovery-${connector.connector_id}`, tone: 'warn', text: `Connector ${name} did not answer a discovery`, detail: connector.discovery.advice ?? undefined, href });
    else if (state.state === 'active' && !connector.standing.is_applied) found.push({ key: `config-${connector.connector_id}`, tone: 'warn', text: `Connector ${name} does not work by the current configuration yet`, detail: `Applied ${connector.standing.applied_config_version ?? 'none'}, current ${connector.config_version}`, href });
  }
  return found;
}

function ofTargets(targets: readonly Target[], now_ms: number): Concern[] {
  const found: Concern[] = [];
  for (const target of targets) {
    const name = target.name === null ? target.target_channel_id : `#${target.name}`;
    const href = `/targets/${target.target_channel_id}`;
    const waits = target.backlog > 0 && target.backlog_since_ms !== null ? `${plural(target.backlog, 'delivery', 'deliveries')} waiting since ${duration(now_ms - target.backlog_since_ms)}` : undefined;
    if (target.obstacle !== null) found.push({ key: `target-${target.target_channel_id}`, tone: 'bad', text: `Target ${name}: ${target.obstacle}`, detail: waits, href });
    else if (['failing', 'parked', 'stopped'].includes(target.state)) found.push({ key: `target-${target.target_channel_id}`, tone: 'bad', text: `Target ${name} is ${target.state}`, detail: target.reason ?? waits, href });
    else if (target.is_paused && target.backlog > 0) found.push({ key: `target-${target.target_channel_id}`, tone: 'warn', text: `Target ${name} is paused`, detail: waits, href });
  }
  return found.length > NAMED_MAX ? [...found.slice(0, NAMED_MAX), { key: 'targets', tone: 'bad', text: `${plural(found.length - NAMED_MAX, 'more target')} in trouble`, href: '/targets' }] : found;
}
