// What the admin API says and takes, as the pages name it. Where the document is open (JSON that is another's), it is said here.

import type { Described, DescribedName } from './described';

type Answer<N extends DescribedName> = Described<N>['answer'];
type Body<N extends DescribedName> = NonNullable<Described<N>['body']>;
type Item<N extends DescribedName> = Answer<N> extends { items: (infer I)[] } ? I : never;

export type Id = string;
/** A number the server counts up: of a mapping, an audit entry, a quarantined item … */
export type Serial = number;
export interface Page<T> { items: T[]; next_after: string | null }

export type SessionState = Answer<'GET /api/session'>;

export type Discovery = NonNullable<Connector['discovery']>;
export type Standing = Connector['standing'];
export type Connector = Answer<'GET /api/connectors/{connector_id}'>;
export type ConnectorWithToken = Answer<'POST /api/connectors'>;

export type SeenGuild = Item<'GET /api/connectors/{connector_id}/guilds'>;
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
export type ChannelRoleChange = Body<'POST /api/connectors/{connector_id}/channels/bulk'>['items'][number];

export type Channel = Item<'GET /api/channels'>;

export type Bot = Answer<'GET /api/bot'>;
export type BotGuild = Item<'GET /api/bot/guilds'>;
export type Role = Item<'GET /api/bot/guilds/{guild_id}/roles'>;

export type Percentiles = NonNullable<FigurePoint['screen']>;
export type Target = Item<'GET /api/targets'>;
/** The row of a target channel: what is decided of it and what was seen there. */
export type TargetChannel = Answer<'POST /api/targets/{target_channel_id}/inspect'>;

/** A channel by its names, as far as they are known. */
export type ChannelName = Omit<Answer<'GET /api/mappings/{mapping_id}'>['source'], 'name'> & { name: string | null };
export type Filters = NonNullable<MappingChange['filters_json']>;
export type Transform = NonNullable<MappingChange['transform_json']>;
export type Rules = Pick<MappingChange, 'filters_json' | 'transform_json' | 'author_style' | 'thread_style' | 'hand_deletions'>;
/** `warning` stands beside what a change answers. */
export type Mapping = Omit<Answer<'GET /api/mappings/{mapping_id}'>, 'source' | 'target'> & { source: ChannelName; target: ChannelName; warning?: string };
export type Start = NonNullable<MappingNew['start']>;
export type MappingNew = Body<'POST /api/mappings'>;
export type MappingChange = Body<'PATCH /api/mappings/{mapping_id}'>;
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

export type AuditEntry = Item<'GET /api/audit'>;

export type ConfigurationChange = Comparison['changes'][number];
export type Comparison = Answer<'POST /api/configuration/compare'>;

export type RawEvent = Item<'GET /api/raw-events'>;
export type RawEventKind = NonNullable<NonNullable<Described<'GET /api/raw-events'>['query']>['kind']>;
export type RawEventBody = Answer<'GET /api/raw-events/{raw_event_id}'>;
export type Quarantined = Item<'GET /api/quarantine'>;

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
