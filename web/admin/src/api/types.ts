// What the admin API says and takes, as the pages name it.

export type Id = string;
/** A number the server counts up: of a mapping, an audit entry, a quarantined item … */
export type Serial = number;
export interface Page<T> { items: T[]; next_after: string | null }

export interface SessionState { token_needed: boolean; signed_in: boolean }

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

export interface Bot {
  state: 'ok' | 'no_token' | 'failing' | 'not_yet'; reason: string | null; user: { user_id: Id; name: string } | null;
  refreshed_at_ms: number | null; guilds: number; invalid_requests?: number;
}
export interface BotGuild { guild_id: Id; name: string; channels: number; targets: number; roles: number; seen_at_ms: number; gone_at_ms: number | null }
export interface Role { role_id: Id; name: string; position: number; color: number; is_managed: boolean; is_mentionable: boolean }

export interface Percentiles { count: number; p50_ms: number; p95_ms: number; p99_ms: number }
export interface Target {
  target_channel_id: Id; name: string | null; guild_id: Id | null; guild_name: string | null; is_target: boolean; is_paused: boolean; version: number;
  obstacle: string | null; inspected_at_ms: number | null; mappings: number; backlog: number; backlog_is_more: boolean; backlog_since_ms: number | null;
  dead_letters: number; dead_letters_are_more: boolean; state: string; reason: string | null; limited_until_ms: number | null;
  latency: { create: Percentiles | null; edit: Percentiles | null; delete: Percentiles | null };
}
/** The row of a target channel: what is decided of it and what was seen there. */
export interface TargetChannel {
  target_channel_id: Id; is_target: boolean; is_paused: boolean; guild_id: Id | null; kind: number | null; inspected_at_ms: number | null; obstacle: string | null;
  version: number; warning?: string;
}

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

export interface SignalLine {
  signal_id: Id; channel_id: Id; channel_name: string; guild_name: string | null; thread_name: string | null; author: string | null; text: string;
  embeds: number; attachments: number; revision: number; deleted: boolean; created_at_ms: number; committed_at_ms: number | null;
  deliveries: { wanted: number; delivered: number; dead: number; dropped: number };
}
export interface Trail {
  signal: { signal_id: Id; source_channel_id: Id; source_channel_name: string | null; is_visible: boolean; [more: string]: unknown };
  captured: { received_at_ms: number; connector_id: string; correlation_id: string }[];
  committed: { committed_at_ms: number; kind: string; revision: number; epoch: number; seq: number; late: boolean; sessions: number | null }[];
  deliveries: TrailDelivery[];
  not_delivered: { target_channel_id: Id | null; target_channel_name: string | null; reason: string }[];
}
export interface TrailDelivery {
  target_channel_id: Id; target_channel_name: string | null; state: string; explanation: string | null; delivered_revision: number; desired_revision: number;
  attempts: number; delay_ms: number | null; parts: { link: string | null; posted_at_ms: number }[];
}

export interface FigurePoint { at_ms: number; accepted: number; posted: number; screen: Percentiles | null; discord: Percentiles | null }
export interface Figures { slot_s: number; points: FigurePoint[] }

export interface Payload {
  text: string; embeds: { title?: string; description?: string }[]; attachments: { filename: string }[]; deleted: boolean;
  author?: { username?: string; global_name?: string };
}
export interface DeliveryKey { signal_id: Id; target_channel_id: Id }
export interface DeadLetter extends DeliveryKey {
  source_channel_id: Id; mapping_id: Serial; reason: string | null; attempts: number; desired_revision: number; delivered_revision: number;
  created_at_ms: number; wanted_at_ms: number; payload: Payload | null; parts: { message_id: Id; mirrored_thread_id?: Id }[];
}
export interface Delivery extends DeliveryKey {
  source_channel_id: Id; mapping_id: Serial; state: 'pending' | 'delivered' | 'dead_letter' | 'dropped'; attempts: number; desired_revision: number;
  delivered_revision: number; next_attempt_at_ms: number | null; last_error: string | null; created_at_ms: number; delivered_at_ms: number | null;
}
export type FindingKind = 'missing_kept' | 'missing_reposted' | 'changed' | 'unrecorded';
export interface ReconciliationReport {
  looked_for: number; missing_kept: number; missing_reposted: number; changed: number; unrecorded: number; broken_off?: string;
  findings: { kind: FindingKind; signal_id?: Id; message_id: Id }[];
}
export interface Reconciliation {
  reconciliation_id: Serial; target_channel_id: Id; asked_at_ms: number; asked_by: string; finished_at_ms: number | null; report: ReconciliationReport | null;
}
export interface SessionToken { session_token_id: Serial; name: string; tier: number; created_at_ms: number; expires_at_ms: number | null; revoked_at_ms: number | null; last_used_at_ms?: number | null }

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
