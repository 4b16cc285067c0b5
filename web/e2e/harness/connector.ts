// A connector that says what a test tells it to: it follows its configuration by long poll, answers discovery requests with the
// guilds it was given, and pushes batches. The contract is section 2 of docs/PROTOCOL.md.

import type { Guild } from './guilds';
import { snowflake } from './guilds';
import type { Json } from './admin';
import { pause } from './until';

export interface Said { message_id: string; channel_id: string; text: string; author?: string }
export interface BatchAnswer { accepted: number; deduped: number; ignored: number; held: number; rejected: { index: number; reason: string }[] }

const TRY_AGAIN_AFTER_MS = 200;

export class Connector {
  /** What it works by. */
  config: Json = null;
  private readonly ending = new AbortController();
  private following: Promise<void> | null = null;
  private seen_request: number | null = null;
  private pushed = 0;

  constructor(private readonly ingest_url: string, readonly tenant_key: string, readonly connector_id: string, private readonly token: string, private readonly guilds: readonly Guild[]) {}

  /** From now on it polls and answers. */
  start(): this {
    this.following = this.follow();
    return this;
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.following;
  }

  /** Pushes one batch; the answer stands for what is committed. A refusal is thrown. */
  async push(messages: readonly Json[]): Promise<BatchAnswer> {
    this.pushed += 1;
    return this.send('/ingest/message-batch', { sent_at: new Date().toISOString(), batch_id: `${this.connector_id}-${this.pushed}`, messages });
  }

  /** A new message, as the contract has it. */
  message(guild_id: string, { message_id, channel_id, text, author = 'desk' }: Said, more: Record<string, unknown> = {}): Json {
    return {
      idempotency_key: `${this.tenant_key}:${this.connector_id}:message:${message_id}:create`, event_type: 'create', discord_message_id: message_id, discord_guild_id: guild_id,
      discord_channel_id: channel_id, discord_thread_id: null, discord_author_id: '175928847299117063', author_username: author, author_global_name: author, content_raw: text,
      content_clean: text, created_at: new Date().toISOString(), edited_at: null, deleted_at: null, attachments: [], embeds: [], ...more,
    };
  }

  /** Says texts as new messages of one channel. */
  async say(guild_id: string, channel_id: string, texts: readonly string[], author?: string): Promise<Said[]> {
    const said = texts.map((text) => ({ message_id: snowflake(), channel_id, text, author }));
    await this.push(said.map((one) => this.message(guild_id, one)));
    return said;
  }

  /** What it sees of a guild, or which guilds there are. */
  async sync(guild_id: string | null): Promise<void> {
    const which = guild_id === null ? this.guilds : this.guilds.filter((guild) => guild.guild_id === guild_id);
    await this.send('/ingest/channel-guild-sync', {
      idempotency_key: `${this.connector_id}:sync:${guild_id ?? 'guilds'}:${Date.now()}`,
      guilds: which.map((guild) => ({ discord_guild_id: guild.guild_id, name: guild.name })),
      channels: guild_id === null ? [] : which.flatMap((guild) => guild.channels.map((channel) => ({
        discord_channel_id: channel.channel_id, guild_id: guild.guild_id, name: channel.name, type: channel.kind, parent_id: channel.parent_id, position: channel.position,
      }))),
    });
  }

  private async send(path: string, body: Record<string, unknown>): Promise<Json> {
    const answer = await fetch(this.ingest_url + path, { method: 'POST', headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' }, body: JSON.stringify({ tenant_key: this.tenant_key, connector_id: this.connector_id, ...body }) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status} ${said.error_code}`);
    return said;
  }

  private async follow(): Promise<void> {
    let etag: string | null = null;
    const { signal } = this.ending;
    while (!signal.aborted) {
      try {
        const wait = etag === null ? 0 : 20;
        const answer: Response = await fetch(`${this.ingest_url}/connectors/${this.connector_id}/runtime-config?tenant_key=${this.tenant_key}&wait=${wait}`, {
          headers: { authorization: `Bearer ${this.token}`, ...(etag === null ? {} : { 'if-none-match': etag }) }, signal,
        });
        if (answer.status === 200) {
          etag = answer.headers.get('etag');
          await this.obey((await answer.json()).config);
        } else if (answer.status !== 304) {
          await pause(TRY_AGAIN_AFTER_MS);
        }
      } catch {
        if (!signal.aborted) await pause(TRY_AGAIN_AFTER_MS);
      }
    }
  }

  private async obey(config: Json): Promise<void> {
    this.config = config;
    const version: number = config.discovery_request?.version ?? 0;
    // A connector that begins does not answer old requests.
    const is_new = this.seen_request !== null && version > this.seen_request;
    this.seen_request = version;
    if (is_new) await this.sync(config.discovery_request.guild_id ?? null);
  }
}
