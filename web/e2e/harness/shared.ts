// The stage and the browser of harness/global.ts, for a test file. With isolate off all files of a run use one connection.

import type { Browser } from 'playwright-core';
import { afterAll, inject } from 'vitest';
import { connectBrowser, Person } from './browser';
import { Connector } from './connector';
import type { Guild } from './guilds';
import { channelOf } from './guilds';
import { Stage } from './stage';
import { until } from './until';

let connected: Promise<Browser> | null = null;

export function sharedStage(): Stage {
  return new Stage(inject('stage'));
}

export function sharedBrowser(): Promise<Browser> {
  connected ??= connectBrowser(inject('browser_endpoint'));
  return connected;
}

/** A signed-in person, who leaves when the file's tests are over. */
export async function person(stage: Stage, options: Parameters<typeof Person.of>[2] = {}): Promise<Person> {
  const made = await Person.of(await sharedBrowser(), stage, options);
  afterAll(() => made.leave());
  return made;
}

let count = 0;

/** A connector that is made, runs, and has told of these guilds; it stops when the file's tests are over. */
export async function connectorWith(stage: Stage, name: string, guilds: readonly Guild[]): Promise<Connector> {
  count += 1;
  const connector_id = `${name}-${process.pid}-${count}`;
  const { token } = await stage.admin.post('/api/connectors', { connector_id, tenant_key: 'acme', name });
  await stage.admin.changeConnector(connector_id, { ingest_enabled: true, forward_enabled: true });
  const connector = new Connector(stage.ingest_url, 'acme', connector_id, token, guilds).start();
  afterAll(() => connector.stop());
  await connector.sync(null);
  for (const guild of guilds) await connector.sync(guild.guild_id);
  return connector;
}

/** Marks channels by name, and waits for nothing: an answer says that the router works by it. */
export async function mark(stage: Stage, connector: Connector, guild: Guild, names: readonly string[], marks: { is_source?: boolean; is_target?: boolean }): Promise<void> {
  await stage.admin.post(`/api/connectors/${connector.connector_id}/channels/bulk`, {
    items: names.map((name) => ({ channel_id: channelOf(guild, name), guild_id: guild.guild_id, is_source: false, is_target: false, is_enabled: true, thread_mode: 'include', ...marks })),
  });
}

/** The bot has looked around since `declare` and sees this guild. */
export async function botSees(stage: Stage, guild: Guild): Promise<void> {
  await stage.discord.declare(guild);
  await until(`the bot sees ${guild.name}`, async () => {
    await stage.admin.post('/api/bot/refresh');
    const { items } = await stage.admin.get('/api/bot/guilds?limit=500');
    return items.some((row: { guild_id: string; channels: number }) => row.guild_id === guild.guild_id && row.channels > 0);
  });
}

/** The bot itself offers a channel as a target. */
export async function offer(stage: Stage, channel_id: string): Promise<void> {
  await stage.admin.put(`/api/targets/${channel_id}`, { is_target: true, version: 0 });
}
