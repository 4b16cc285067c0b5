// How a connector stands, in words. Pure: "now" is an argument.

import type { Connector, Discovery, Pulse, Standing } from '../../api/types';
import { duration, plural, type Tone } from '../../lib/format';

/** A connector asks for its configuration at least twice a minute; silent for this long it is not there. */
const SILENT_AFTER_MS = 90_000;

interface Seen { status: Connector['status']; ingest_enabled: boolean; last_seen_at_ms: number | null }
export interface ConnectorState { state: 'active' | 'paused' | 'ingest_off' | 'never_seen' | 'silent'; text: string; tone: Tone; why: string }

export function connectorState(connector: Seen, now_ms: number): ConnectorState {
  if (connector.status === 'paused') return { state: 'paused', text: 'paused', tone: 'warn', why: 'It is told so and refused until it is resumed.' };
  if (connector.last_seen_at_ms === null) return { state: 'never_seen', text: 'never seen', tone: '', why: 'It has not asked for its configuration yet.' };
  const silent_ms = now_ms - connector.last_seen_at_ms;
  if (silent_ms > SILENT_AFTER_MS) return { state: 'silent', text: 'silent', tone: 'bad', why: `Nothing was heard of it for ${duration(silent_ms)}.` };
  if (!connector.ingest_enabled) return { state: 'ingest_off', text: 'ingest off', tone: 'warn', why: 'What it pushes is refused.' };
  return { state: 'active', text: 'active', tone: 'good', why: '' };
}

/** The connector with what the last pulse says of it. */
export function withPulse(connector: Connector, pulse: Pulse | null): Connector {
  const found = pulse?.connectors.find((one) => one.connector_id === connector.connector_id);
  if (found === undefined) return connector;
  return { ...connector, last_seen_at_ms: found.last_seen_at_ms, discovery: newer(connector.discovery, found.discovery ?? null), standing: found.standing ?? connector.standing };
}

function newer(read: Discovery | null, pulsed: Discovery | null): Discovery | null {
  if (read === null || pulsed === null) return pulsed ?? read;
  return pulsed.version >= read.version ? pulsed : read;
}

/** Whether it works by the configuration of now, in two words and why. */
export function appliedWords(standing: Standing, config_version: number): { text: string; tone: Tone; title: string } {
  if (standing.is_applied) return { text: `v${config_version}`, tone: 'good', title: `It works by configuration ${config_version}, the current one` };
  if (standing.applied_config_version === null) return { text: 'not read', tone: '', title: `Configuration ${config_version} is current; it has not read any since this process started` };
  return { text: `v${standing.applied_config_version} of ${config_version}`, tone: 'warn', title: `It works by configuration ${standing.applied_config_version}; ${config_version} is current` };
}

/** What was asked for, and how far that is. */
export function discoveryWords(discovery: Discovery): { text: string; tone: Tone } {
  const what = discovery.guild_id === null ? 'Guilds' : `Channels of ${discovery.guild_name ?? discovery.guild_id}`;
  switch (discovery.state) {
    case 'requested': return { text: `${what}: asked for, the connector has not picked it up yet`, tone: 'warn' };
    case 'picked_up': return { text: `${what}: the connector is at it`, tone: 'link' };
    case 'timed_out': return { text: `${what}: no answer`, tone: 'bad' };
    case 'answered': {
      const took = discovery.took_ms === null ? '' : ` in ${duration(discovery.took_ms)}`;
      const found = discovery.guild_id === null ? plural(discovery.guilds ?? 0, 'guild') : plural(discovery.channels ?? 0, 'channel');
      return { text: `${what}: ${found}${took}`, tone: 'good' };
    }
  }
}

/** Whether an answer may still come. */
export function isUnderWay(discovery: Discovery | null): boolean {
  return discovery?.state === 'requested' || discovery?.state === 'picked_up';
}

export const OVERLAPS: readonly { value: number; text: string }[] = [
  { value: 0, text: 'Ends at once' }, { value: 600, text: 'Works 10 minutes more' }, { value: 3600, text: 'Works an hour more' },
  { value: 86_400, text: 'Works a day more' }, { value: 604_800, text: 'Works a week more' },
];
