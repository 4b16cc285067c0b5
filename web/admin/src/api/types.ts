// What the admin API says and takes, as the pages name it. Where the document is open (JSON that is another's), it is said here.

import type { Described, DescribedName } from './described';

type Answer<N extends DescribedName> = Described<N>['answer'];
type Item<N extends DescribedName> = Answer<N> extends { items: (infer I)[] } ? I : never;

export type Id = string;
/** A number the server counts up: of a mapping, an audit entry, a quarantined item … */
export type Serial = number;
export interface Page<T> { items: T[]; next_after: string | null }

export type SessionState = Answer<'GET /api/session'>;

export type DiscoveryState = 'requested' | 'picked_up' | 'answered' | 'timed_out';
export interface Discovery {
  version: number; guild_id: Id | null; guild_name: string | null; requested_at_ms: number; picked_up_at_ms: number | null;
  answered_at_ms: number | null; took_ms: number | null; guilds: number | null; channels: number | null; state: DiscoveryState; advice: string | null;
}
export interface Standing {
  applied_config_version: number | null; is_applied: boolean; lag_ms: number | null; events_per_s: number; events: number; batches: number;
  rejected: number; last_batch_at_ms: number | null;
}
export interface Connector {
  connector_id: string; tenant_key: string; name: string; status: 'active' | 'paused'; ingest_enabled: boolean; forward_enabled: boolean;
  config_version: number; version: number; created_at_ms: number; last_seen_at_ms: number | null; discovery_request_version: number;
  discovery_guild_id: Id | null; discovery_requested_at_ms: number | null; previous_token_until_ms: number | null; discovery: Discovery | null;
  standing: Standing; counts: { guilds: number; channels: number; sources: number; targets: number; mappings: number };
}
export interface ConnectorWithToken { connector: Connector; token: string }

export interface SeenGuild { guild_id: Id; name: string; channels: number; sources: number; targets: number; seen_at_ms: number; gone_at_ms: number | null }
export interface TreeGuild { guild_id: Id; name: string; seen_at_ms: number; gone_at_ms: number | null }
export type ThreadMode = 'include' | 'exclude' | 'only';
export interface ChannelRole {
  connector_id: string; channel_id: Id; guild_id: Id; is_source: boolean; is_target: boolean; is_enabled: boolean; thread_mode: ThreadMode; version: number;
}
export interface TargetMark { is_target: boolean; is_target_of_connector?: boolean; is_paused: boolean; obstacle: string | null; inspected_at_ms: number | null; version: number }
export interface TreeChannel {
  channel_id: Id; name: string; kind: number | null; parent_id: Id | null; position: number | null; min_tier?: number | null; seen_at_ms: number;
  gone_at_ms: number | null; role?: ChannelRole | null; target?: TargetMark | null; mappings: number;
}
export interface TreeThread { thread_id: Id; parent_channel_id: Id; name: string; archived: boolean; locked: boolean; message_count: number | null }
export interface GuildTree { guild: TreeGuild; channels: TreeChannel[]; threads?: TreeThread[]; threads_are_more?: boolean }
export interface ChannelRoleChange {
  channel_id: Id; guild_id: Id; is_source: boolean; is_target: boolean; is_enabled: boolean; thread_mode: ThreadMode; version?: number;
}

export interface Channel {
  channel_id: Id; name: string; guild_id: Id; guild_name: string; parent_id: Id | null; parent_name: string | null; kind: number | null;
  position: number | null; min_tier: number | null; seen_at_ms: number; gone_at_ms: number | null; is_source: boolean; is_target: boolean;
}

export type Bot = Answer<'GET /api/bot'>;
export type BotGuild = Item<'GET /api/bot/guilds'>;
export type Role = Item<'GET /api/bot/guilds/{guild_id}/roles'>;

export type Percentiles = NonNullable<FigurePoint['screen']>;
export type Target = Item<'GET /api/targets'>;
/** The row of a target channel: what is decided of it and what was seen there. */
export type TargetChannel = Answer<'POST /api/targets/{target_channel_id}/inspect'>;

export interface ChannelName { channel_id: Id; name: string | null; guild_id: Id | null; guild_name: string | null }
export interface Filters {
  authors_allow?: string[]; authors_deny?: string[]; keywords_any?: string[]; keywords_none?: string[]; regex_any?: string[]; regex_none?: string[];
  has_attachment?: boolean; has_embed?: boolean; domains_blocked?: string[]; domains_stripped?: string[]; text_chars_min?: number; text_chars_max?: number;
}
export interface Transform {
  strip_mentions?: boolean; replace_words?: { from: string; to?: string; whole_word?: boolean }[]; prefix?: string; suffix?: string; template?: string;
}
export interface Rules {
  filters_json?: Filters | null; transform_json?: Transform | null; author_style?: 'none' | 'name_line' | 'webhook' | null;
  thread_style?: 'channel' | 'mirrored' | null; hand_deletions?: 'keep' | 'repost' | null;
}
export interface Mapping extends Rules {
  mapping_id: Serial; source_channel_id: Id; target_channel_id: Id; tier: number; ping_role_id: Id | null; priority: number; is_enabled: boolean;
  version: number; created_at_ms: number; updated_at_ms: number; warning?: string; source: ChannelName; target: ChannelName;
  ping_role_name: string | null; state: 'working' | 'off' | 'broken'; trouble: string | null;
}
export type Start = 'now' | { last: number };
export interface MappingNew extends Rules {
  source_channel_id: Id; target_channel_id: Id; tier?: number; ping_role_id?: Id | null; priority?: number; is_enabled?: boolean; start?: Start;
}
export interface MappingChange extends Rules {
  version: number; source_channel_id?: Id; target_channel_id?: Id; tier?: number; ping_role_id?: Id | null; priority?: number; is_enabled?: boolean;
}
export interface Versioned { mapping_id: Serial; version: number }
export interface DryRunPart { content: string; embeds: Embed[]; pings_role: Id | null; sender: string | { name: string } | null }
export interface DryRunItem {
  signal_id: Id; author: string | null; thread: string | null; text: string; deleted: boolean; result: 'posts' | 'held_back' | 'nothing_to_show';
  reason: string | null; parts: DryRunPart[];
}
export interface DryRun { items: DryRunItem[]; cut_short: string | null }
/** An embed as Discord's API takes it. */
export interface Embed {
  title?: string; description?: string; url?: string; color?: number; timestamp?: string; author?: { name?: string; url?: string }; footer?: { text?: string };
  image?: { url?: string }; thumbnail?: { url?: string }; fields?: { name: string; value: string; inline?: boolean }[];
}

export interface AuditEntry {
  audit_id: Serial; at_ms: number; actor: string; action: string; subject: string; subject_name: string | null; before: unknown; after: unknown;
  group_id: Serial | null; undoes: Serial | null; undone_by: Serial | null; can_undo: boolean;
}

export interface ConfigurationChange {
  action: 'create' | 'change' | 'remove'; kind: 'connector' | 'channel' | 'visibility' | 'target' | 'mapping'; key: string; name: string | null;
  fields: { field: string; before: unknown; after: unknown }[];
}
export interface Comparison { digest: string; changes: ConfigurationChange[]; warnings: string[] }

export interface RawEvent {
  raw_event_id: string; received_at_ms: number; connector_id: string; kind: 'message-batch' | 'thread' | 'channel-guild-sync'; correlation_id: string; bytes: number;
}
export interface RawEventBody extends RawEvent { body: string; is_cut: boolean }
export interface Quarantined {
  quarantine_id: Serial; received_at_ms: number; connector_id: string; kind: string; correlation_id: string; item_index: number | null; reason: string;
  body: unknown; tried_at_ms: number | null; outcome: string | null; done_at_ms: number | null;
}

export type SignalLine = Answer<'GET /api/signals'>['items'][number];
export type Trail = Answer<'GET /api/signals/{signal_id}/trail'>;
export type TrailDelivery = Trail['deliveries'][number];

export type FigurePoint = Figures['points'][number];
export type Figures = Answer<'GET /api/figures'>;

export interface Payload {
  text: string; embeds: { title?: string; description?: string }[]; attachments: { filename: string }[]; deleted: boolean;
  author?: { username?: string; global_name?: string };
}
export interface DeliveryKey { signal_id: Id; target_channel_id: Id }
export interface DeadLetter extends DeliveryKey {
  source_channel_id: Id; mapping_id: Serial; reason: string | null; attempts: number; desired_revision: number; delivered_revision: number;
  created_at_ms: number; wanted_at_ms: number; payload: Payload | null; parts: { message_id: Id; mirrored_thread_id?: Id }[];
}
export type Delivery = Item<'GET /api/deliveries'>;
export type FindingKind = 'missing_kept' | 'missing_reposted' | 'changed' | 'unrecorded';
export interface ReconciliationReport {
  looked_for: number; missing_kept: number; missing_reposted: number; changed: number; unrecorded: number; broken_off?: string;
  findings: { kind: FindingKind; signal_id?: Id; message_id: Id }[];
}
export interface Reconciliation {
  reconciliation_id: Serial; target_channel_id: Id; asked_at_ms: number; asked_by: string; finished_at_ms: number | null; report: ReconciliationReport | null;
}
export type SessionToken = Item<'GET /api/session-tokens'>;

export interface Actor {
  name: string; kind: string; parent: string | null; state: 'running' | 'restarting' | 'parked' | 'stopped'; generation: number; restarts: number;
  mailbox: { depth: number; capacity: number; refused: number }; handled: number; handling_us: { mean: number; max: number }; last_panic: string | null;
  detail: Record<string, unknown>;
}
export interface ActorSnapshot { at_ms: number; ready: boolean; not_ready_reason: string | null; actors: Actor[] }

export type Topic = 'connectors' | 'channels' | 'bot' | 'targets' | 'mappings' | 'dead_letters' | 'quarantine' | 'audit' | 'session_tokens';
export type Watched = 'signals' | 'actors' | 'targets';
export interface Pulse {
  at_ms: number; ready: boolean; not_ready_reason: string | null; sessions: number; accepted_per_s: number; posted_per_s: number; backlog: number;
  dead_letters: number; quarantined: number;
  actors: { count: number; restarting: number; parked: number; deepest: { name: string; depth: number; capacity: number } | null };
  connectors: { connector_id: string; status: 'active' | 'paused'; last_seen_at_ms: number | null; config_version: number; discovery: Discovery | null; standing: Standing }[];
  minute: FigurePoint; bot: { state: Bot['state']; reason: string | null };
}
export type LiveFrame =
  | { type: 'welcome'; protocol: number; version: string; server_time_ms: number }
  | ({ type: 'pulse' } & Pulse)
  | { type: 'changed'; topics: Topic[] }
  | { type: 'signal'; kind: 'create' | 'update' | 'delete'; accepted_at_ms: number; line: SignalLine; skipped?: number }
  | ({ type: 'actors' } & ActorSnapshot)
  | { type: 'targets'; items: Target[] };
