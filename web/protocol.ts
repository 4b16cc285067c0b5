// Generated from schema/src/frame.rs and signal.rs by `make types`. Do not edit.

export const PROTOCOL = 1;

/** 4000-4099: reconnect with cursors. 4400-4499: final. */
export const CLOSE_CODES = {
  going_away: 4000,
  slow_session: 4001,
  internal: 4002,
  silent: 4003,
  bad_frame: 4400,
  access_ended: 4403,
  too_many_frames: 4408,
  too_many_channels: 4429,
} as const;

export type Cursor = { 
/**
 * Incarnation of the channel's sequence.
 */
epoch: number, 
/**
 * Number in it; 0 is before the first.
 */
seq: number, };

export type Author = { 
/**
 * The account.
 */
user_id: string, 
/**
 * The account's unique name.
 */
username?: string, 
/**
 * The name it shows.
 */
global_name?: string, 
/**
 * Its picture, for mirrors that show one.
 */
avatar_url?: string, };

export type EmbedField = { 
/**
 * Heading.
 */
name: string, 
/**
 * Text below it.
 */
value: string, 
/**
 * May stand beside others.
 */
inline: boolean, };

export type Embed = { 
/**
 * Discord's type: `rich`, `image`, `link` …
 */
kind?: string, 
/**
 * Heading.
 */
title?: string, 
/**
 * Body.
 */
description?: string, 
/**
 * Where the heading leads.
 */
url?: string, 
/**
 * 24-bit RGB.
 */
color?: number, 
/**
 * ISO-8601, as it came.
 */
timestamp?: string, 
/**
 * Line above the heading.
 */
author_name?: string, 
/**
 * Where that line leads.
 */
author_url?: string, 
/**
 * Small print.
 */
footer?: string, 
/**
 * Large picture: often the chart that is the whole signal.
 */
image_url?: string, 
/**
 * Small picture.
 */
thumbnail_url?: string, 
/**
 * Rows.
 */
fields?: Array<EmbedField>, };

export type Attachment = { 
/**
 * Discord's id of the file.
 */
attachment_id: string, 
/**
 * Name as uploaded; never a path to write to.
 */
filename: string, 
/**
 * Where it can be fetched while the signature lasts.
 */
url: string, 
/**
 * Bytes.
 */
size: number, 
/**
 * Media type, as the connector says.
 */
content_type?: string, };

export type Signal = { 
/**
 * The source message.
 */
signal_id: string, 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * Its guild.
 */
guild_id: string, 
/**
 * The thread, when it stands in one.
 */
thread_id: string, 
/**
 * How often it has changed.
 */
revision: number, 
/**
 * From the snowflake.
 */
created_at_ms: number, 
/**
 * Latest edit heard of.
 */
edited_at_ms: number, 
/**
 * Gone: all content is empty.
 */
deleted: boolean, 
/**
 * Who wrote it.
 */
author?: Author, 
/**
 * With names in place of markup.
 */
text: string, 
/**
 * Charts and cards.
 */
embeds: Array<Embed>, 
/**
 * Files.
 */
attachments: Array<Attachment>, };

export type RevisionKind = "Create" | "Update" | "Delete";

export type ChannelStanding = { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its guild.
 */
guild_id: string, 
/**
 * The guild's name.
 */
guild_name: string, 
/**
 * The head.
 */
head: Cursor, };

export type AttachStatus = "Resumed" | "ResyncRequired" | "Forbidden";

export type AttachedChannel = { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * What became of it.
 */
status: AttachStatus, 
/**
 * The head at this moment.
 */
head: Cursor, };

export type ChannelCursor = { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * The place.
 */
cursor: Cursor, };

export type ServerFrame = { "Welcome": { 
/**
 * Version of this protocol.
 */
protocol: number, 
/**
 * For the logs of both sides.
 */
session_id: string, 
/**
 * Server's clock.
 */
server_time_ms: number, 
/**
 * How often to expect a heartbeat.
 */
heartbeat_ms: number, 
/**
 * What may be attached.
 */
channels: Array<ChannelStanding>, } } | { "Attached": { 
/**
 * One entry per channel asked for.
 */
channels: Array<AttachedChannel>, } } | { "Revision": { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * The place.
 */
place: Cursor, 
/**
 * Create, update or delete.
 */
kind: RevisionKind, 
/**
 * Something newer of this channel was delivered before.
 */
late: boolean, 
/**
 * When the router took it in.
 */
accepted_at_ms: number, 
/**
 * How it reads now.
 */
signal: Signal, } } | { "Live": ChannelCursor } | { "Detached": { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * `asked` or `hidden`.
 */
reason: string, } } | { "Heartbeat": { 
/**
 * Server's clock.
 */
server_time_ms: number, } } | { "GoingAway": { 
/**
 * Resume from these.
 */
cursors: Array<ChannelCursor>, } } | { "Error": { 
/**
 * For programs.
 */
code: string, 
/**
 * For people.
 */
message: string, } };

export type AttachChannel = { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * The last revision seen; absent: from the head on.
 */
cursor?: Cursor, };

export type ClientFrame = { "Attach": { 
/**
 * From where.
 */
channels: Array<AttachChannel>, } } | { "Detach": { 
/**
 * Of these.
 */
channels: Array<string>, } } | { "Ack": { 
/**
 * The source channel.
 */
channel_id: string, 
/**
 * The place.
 */
cursor: Cursor, } } | { "Pong": Record<string, never> };
