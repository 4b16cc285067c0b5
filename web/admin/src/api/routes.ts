// Every route the pages use: what goes into its path, its query and its body, and what comes back.

import type * as t from './types';

interface List { limit?: number; after?: string | null }
interface Route<Path, Query, Body, Answer> { path: Path; query: Query; body: Body; answer: Answer }
type None = undefined;
type Get<Answer, Path = None, Query = None> = Route<Path, Query, None, Answer>;
type Send<Body, Answer, Path = None, Query = None> = Route<Path, Query, Body, Answer>;
interface ConnectorPath { connector_id: string }
interface GuildPath { guild_id: string }
interface MappingPath { mapping_id: t.Serial | string }
interface TargetPath { target_channel_id: string }
interface DeliveryKeys { items: t.DeliveryKey[] }
type DeliveryChoice = DeliveryKeys | { target_channel_id: string } | { all: true };

export interface Routes {
  'POST /api/session': Send<{ token: string }, null>;
  'GET /api/session': Get<t.SessionState>;
  'DELETE /api/session': Send<None, null>;

  'GET /api/connectors': Get<t.Page<t.Connector>, None, List>;
  'GET /api/connectors/{connector_id}': Get<t.Connector, ConnectorPath>;
  'POST /api/connectors': Send<{ connector_id: string; tenant_key: string; name?: string }, t.ConnectorWithToken>;
  'PATCH /api/connectors/{connector_id}': Send<{ version: number; name?: string; status?: t.Connector['status']; ingest_enabled?: boolean; forward_enabled?: boolean }, t.Connector, ConnectorPath>;
  'POST /api/connectors/{connector_id}/rotate': Send<{ version: number; overlap_s?: number }, t.ConnectorWithToken, ConnectorPath>;
  'DELETE /api/connectors/{connector_id}': Send<None, null, ConnectorPath, { version: number }>;
  'POST /api/connectors/{connector_id}/discovery': Send<{ guild_id?: string | null }, { discovery_request_version: number; discovery: t.Discovery }, ConnectorPath>;
  'GET /api/connectors/{connector_id}/guilds': Get<t.Page<t.SeenGuild>, ConnectorPath, List>;
  'GET /api/connectors/{connector_id}/guilds/{guild_id}/tree': Get<t.GuildTree, ConnectorPath & GuildPath>;
  'GET /api/connectors/{connector_id}/channels': Get<t.Page<t.ChannelRole>, ConnectorPath, List>;
  'PUT /api/connectors/{connector_id}/channels/{channel_id}': Send<Omit<t.ChannelRoleChange, 'channel_id'>, t.ChannelRole, ConnectorPath & { channel_id: string }>;
  'POST /api/connectors/{connector_id}/channels/bulk': Send<{ items: t.ChannelRoleChange[] }, { items: t.ChannelRole[] }, ConnectorPath>;

  'GET /api/channels': Get<t.Page<t.Channel>, None, List & { guild_id?: string; use?: 'source' | 'target'; q?: string }>;
  'PUT /api/channels/{channel_id}/visibility': Send<{ min_tier: number | null }, t.Channel, { channel_id: string }>;

  'GET /api/bot': Get<t.Bot>;
  'POST /api/bot/refresh': Send<None, t.Bot>;
  'GET /api/bot/guilds': Get<t.Page<t.BotGuild>, None, List>;
  'GET /api/bot/guilds/{guild_id}/tree': Get<t.GuildTree, GuildPath>;
  'GET /api/bot/guilds/{guild_id}/roles': Get<t.Page<t.Role>, GuildPath, List>;

  'GET /api/targets': Get<t.Page<t.Target>, None, List>;
  'PUT /api/targets/{target_channel_id}': Send<{ is_target: boolean; version: number }, t.TargetChannel, TargetPath>;
  'POST /api/targets/{target_channel_id}/inspect': Send<None, t.TargetChannel, TargetPath>;
  'POST /api/targets/{target_channel_id}/pause': Send<{ version: number }, t.TargetChannel, TargetPath>;
  'POST /api/targets/{target_channel_id}/resume': Send<{ version: number }, t.TargetChannel, TargetPath>;
  'POST /api/targets/{target_channel_id}/reconcile': Send<None, t.Reconciliation, TargetPath>;
  'POST /api/targets/{target_channel_id}/reconcile/cancel': Send<None, t.Reconciliation, TargetPath>;
  'GET /api/targets/{target_channel_id}/reconciliations': Get<t.Page<t.Reconciliation>, TargetPath, List>;

  'GET /api/mappings': Get<t.Page<t.Mapping>, None, List & { source_channel_id?: string; target_channel_id?: string; q?: string; state?: t.Mapping['state'] }>;
  'GET /api/mappings/{mapping_id}': Get<t.Mapping, MappingPath>;
  'POST /api/mappings': Send<t.MappingNew, t.Mapping>;
  'PATCH /api/mappings/{mapping_id}': Send<t.MappingChange, t.Mapping, MappingPath>;
  'DELETE /api/mappings/{mapping_id}': Send<None, null, MappingPath, { version: number }>;
  'POST /api/mappings/{mapping_id}/backfill': Send<{ last: number }, { backfilled: number }, MappingPath>;
  'GET /api/mappings/{mapping_id}/dry-run': Get<t.DryRun, MappingPath, { last?: number }>;
  'POST /api/mappings/dry-run': Send<{ source_channel_id: string; ping_role_id?: string | null; last?: number } & t.Rules, t.DryRun>;
  'POST /api/mappings/{mapping_id}/clone': Send<{ source_channel_id?: string; target_channel_id?: string; is_enabled?: boolean; start?: t.Start }, t.Mapping, MappingPath>;
  'POST /api/mappings/bulk': Send<{ items: t.Versioned[]; change?: Omit<t.MappingChange, 'version' | 'source_channel_id' | 'target_channel_id'>; remove?: boolean }, { items: t.Mapping[] }>;
  'POST /api/mappings/order': Send<{ source_channel_id: string; items: t.Versioned[] }, { items: t.Mapping[] }>;
  'GET /api/mappings/{mapping_id}/history': Get<t.Page<t.AuditEntry>, MappingPath, List>;

  'GET /api/audit': Get<t.Page<t.AuditEntry>, None, List & { subject?: string; action?: string; actor?: string }>;
  'POST /api/audit/{audit_id}/undo': Send<{ whole_group?: boolean }, { undone: number; items: t.AuditEntry[] }, { audit_id: t.Serial }>;

  'GET /api/configuration': Get<string>;
  'POST /api/configuration/compare': Send<{ document: string }, t.Comparison>;
  'POST /api/configuration/apply': Send<{ document: string; digest: string }, { applied: number; tokens: { connector_id: string; token: string }[] }>;

  'GET /api/raw-events': Get<t.Page<t.RawEvent>, None, List & { connector_id?: string; kind?: string }>;
  'GET /api/raw-events/{raw_event_id}': Get<t.RawEventBody, { raw_event_id: string }>;
  'GET /api/quarantine': Get<t.Page<t.Quarantined>, None, List & { connector_id?: string; state?: 'open' | 'done' }>;
  'POST /api/quarantine/replay': Send<{ items: t.Serial[] }, { results: { quarantine_id: t.Serial; outcome: string; reason: string | null }[] }>;
  'POST /api/quarantine/drop': Send<{ items: t.Serial[]; reason: string }, { dropped: number }>;

  'GET /api/signals': Get<{ items: t.SignalLine[]; next_before: string | null }, None, { channel_id?: string; limit?: number; before?: string | null }>;
  'GET /api/signals/{signal_id}/trail': Get<t.Trail, { signal_id: string }>;
  'GET /api/figures': Get<t.Figures, None, { span: 'hour' | 'day' }>;

  'GET /api/dead-letters': Get<t.Page<t.DeadLetter>, None, List & { target_channel_id?: string }>;
  'POST /api/dead-letters/redrive': Send<DeliveryChoice, { redriven: number; more: boolean }>;
  'GET /api/deliveries': Get<t.Page<t.Delivery>, None, List & { target_channel_id?: string; state?: t.Delivery['state'] }>;
  'POST /api/deliveries/drop': Send<DeliveryKeys & { reason: string }, { dropped: number }>;
  'POST /api/deliveries/restore': Send<DeliveryChoice, { restored: number; more: boolean }>;

  'GET /api/session-tokens': Get<t.Page<t.SessionToken>, None, List>;
  'POST /api/session-tokens': Send<{ name: string; tier: number; expires_at_ms?: number | null }, { session_token: t.SessionToken; token: string }>;
  'DELETE /api/session-tokens/{session_token_id}': Send<None, null, { session_token_id: t.Serial }>;

  'GET /debug/actors': Get<t.ActorSnapshot>;
  'POST /api/actors/{name}/unpark': Send<None, null, { name: string }>;
}

export type RouteName = keyof Routes;
