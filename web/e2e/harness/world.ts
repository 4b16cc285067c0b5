// A little of everything, so that no page is empty: for tests that look at every page.

import type { Connector } from './connector';
import { channelOf, guildOf } from './guilds';
import { botSees, connectorWith, mark, offer } from './shared';
import type { Stage } from './stage';
import { until } from './until';

export interface World { connector: Connector; guild_id: string; bot_guild_id: string; source: string; target: string; refusing: string; mapping_id: number; signal_id: string }

/** Makes it: guilds, marks, mappings, signals, a dead letter, a quarantined item, a viewer's token. */
export async function worldOf(stage: Stage): Promise<World> {
  const desk = guildOf('Field Desk', ['futures', 'options', 'a-channel-with-quite-a-long-name-as-people-give-them-in-their-guilds']);
  const customers = guildOf('Field Customers', ['futures-signals', 'options-signals', 'refusing'], ['Futures fans', 'Everything']);
  const connector = await connectorWith(stage, 'field', [desk]);
  await mark(stage, connector, desk, ['futures', 'options'], { is_source: true });
  await botSees(stage, customers);
  const [source, target, refusing] = [channelOf(desk, 'futures'), channelOf(customers, 'futures-signals'), channelOf(customers, 'refusing')];
  for (const channel_id of [target, refusing]) await offer(stage, channel_id);
  await stage.admin.put(`/api/channels/${source}/visibility`, { min_tier: 0 });
  const { mapping_id } = await stage.admin.post('/api/mappings', {
    source_channel_id: source, target_channel_id: target, ping_role_id: customers.roles[0]?.role_id, filters_json: { keywords_none: ['advertisement'] }, transform_json: { prefix: '» ' },
  });
  await stage.admin.post('/api/mappings', { source_channel_id: source, target_channel_id: refusing, is_enabled: true });
  await stage.admin.post('/api/session-tokens', { name: 'A viewer', tier: 1 });
  await stage.discord.refusePosts(refusing);
  const [said] = await connector.say(desk.guild_id, source, ['Long NQ 18,250 stop 18,190', 'Take half off at 18,320', 'https://example.com/a-link/that-is-rather-long-and-has-no-place-to-break-in-it-anywhere-at-all-really-none']);
  await connector.push([{ ...connector.message(desk.guild_id, { message_id: 'no id', channel_id: source, text: 'broken' }) }]);
  await until('a dead letter and a quarantined item are there', async () => {
    const [letters, items] = await Promise.all([stage.admin.get(`/api/dead-letters?target_channel_id=${refusing}`), stage.admin.get(`/api/quarantine?connector_id=${connector.connector_id}`)]);
    return letters.items.length === 3 && items.items.length === 1;
  });
  await stage.discord.clearFaults();
  return { connector, guild_id: desk.guild_id, bot_guild_id: customers.guild_id, source, target, refusing, mapping_id, signal_id: said?.message_id ?? '' };
}
