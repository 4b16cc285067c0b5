// The demo as the pictures of docs/ show it: a desk that plays a day, partners, a customers' guild, and what a day leaves behind. Nothing
// in it is of a real person or guild.

import { Connector } from './connector';
import { DemoConnector } from './demo_connector';
import { CATEGORY, channelOf, guildOf, snowflake, TEXT, VOICE, type Guild } from './guilds';
import { offer } from './shared';
import type { OwnStage } from './stage';
import { until } from './until';

/** Of connectors/demo/src/guilds.rs. */
const DESK_GUILD = '1072157851310492252';
const DESKS = [['1072158483119473035', 'futures-desk'], ['1072158914243724035', 'fx-desk'], ['1072159268347970011', 'crypto-desk'], ['1072159697987045086', 'equities-desk'], ['1087294824232780480', 'macro-research']] as const;
const TARGETS = [['1196417582987740823', 'futures-signals'], ['1196417760763317678', 'fx-signals'], ['1196417955249131238', 'crypto-signals'], ['1196418132953271936', 'equities-signals'], ['1196418327656925591', 'research-notes']] as const;
const NEWS = 5;
const FORUM = 15;

const ROLES = [['Team', 0xe74c3c], ['VIP', 0xf1c40f], ['Member', 0x3498db], ['Futures', 0x2ecc71], ['FX', 0x1abc9c], ['Crypto', 0x9b59b6], ['Equities', 0xe67e22], ['Research', 0]] as const;

export interface Show { customers: Guild; partner: Connector; partner_guild: Guild; mappings: number[]; stop: () => Promise<void> }

export async function show(stage: OwnStage): Promise<Show> {
  const customers = customersGuild();
  const partner_guild = partnerGuild();
  await stage.discord.declare(customers);
  await stage.discord.declare(guildOf('Partner Lounge', ['ideas', 'results'], ['Partner']));
  await stage.sql(dayOfFigures());

  const desk = await stage.admin.post('/api/connectors', { connector_id: 'demo', tenant_key: 'demo', name: 'Trading desk' });
  const partner = await partnerConnector(stage, partner_guild);
  await stage.admin.post('/api/connectors', { connector_id: 'archive', tenant_key: 'acme', name: 'Archive' });
  await stage.admin.changeConnector('archive', { status: 'paused' });
  await stage.admin.post('/api/connectors', { connector_id: 'new-york', tenant_key: 'acme', name: 'New York' });
  await stage.admin.changeConnector('demo', { ingest_enabled: true, forward_enabled: true });

  await stage.admin.post('/api/bot/refresh');
  const vip = channelOf(customers, 'vip-signals');
  for (const channel_id of [...TARGETS.map(([id]) => id), vip]) await offer(stage, channel_id);
  const mappings = await map(stage, customers, partner_guild, vip);

  const playing = await DemoConnector.start({ ingest_url: stage.ingest_url, tenant_key: 'demo', connector_id: 'demo', token: desk.token, rate: 8 });
  await seen(stage, 'demo', DESK_GUILD);
  await partnerDay(stage, partner, partner_guild, vip);
  await stage.admin.post('/api/session-tokens', { name: 'Screen in the trading room', tier: 5 });
  await stage.admin.post('/api/session-tokens', { name: 'Maya Lindqvist', tier: 2, expires_at_ms: Date.now() + 30 * 86_400_000 });
  const { session_token } = await stage.admin.post('/api/session-tokens', { name: 'Trial, November', tier: 1, expires_at_ms: Date.now() + 7 * 86_400_000 });
  await stage.admin.remove(`/api/session-tokens/${session_token.session_token_id}`);
  await until('a day has been told', async () => (await stage.admin.get('/api/signals?limit=100')).items.length >= 60);
  return { customers, partner, partner_guild, mappings, stop: async () => { await Promise.all([playing.stop(), partner.stop()]); } };
}

function customersGuild(): Guild {
  const [information, signals, community] = [snowflake(), '1196416780059673064', snowflake()];
  const channel = (channel_id: string, name: string, kind: number, parent_id: string | null, position: number) => ({ channel_id, name, kind, parent_id, position });
  return {
    guild_id: '1196416780055478786', name: 'Heliograph Customers',
    channels: [
      channel(snowflake(), 'welcome', TEXT, null, 0),
      channel(information, 'INFORMATION', CATEGORY, null, 0), channel(snowflake(), 'rules', TEXT, information, 0), channel(snowflake(), 'announcements', NEWS, information, 1),
      channel(snowflake(), 'how-to-read-signals', TEXT, information, 2),
      channel(signals, 'SIGNALS', CATEGORY, null, 1), ...TARGETS.map(([id, name], i) => channel(id, name, TEXT, signals, i)), channel(snowflake(), 'vip-signals', TEXT, signals, 7), channel(snowflake(), 'trade-ideas', FORUM, signals, 8),
      channel(community, 'COMMUNITY', CATEGORY, null, 2), channel(snowflake(), 'lounge', TEXT, community, 0), channel(snowflake(), 'questions', FORUM, community, 1), channel(snowflake(), 'Trading floor', VOICE, community, 2),
    ],
    roles: ROLES.map(([name, color], i) => ({ role_id: snowflake(), name, color, position: ROLES.length - i, mentionable: i !== 0 && i !== 2 })),
  };
}

function partnerGuild(): Guild {
  const [desks, talk] = [snowflake(), snowflake()];
  const text = (name: string, parent_id: string | null, position: number, kind = TEXT) => ({ channel_id: snowflake(), name, kind, parent_id, position });
  return {
    guild_id: snowflake(), name: 'Aurora Partners',
    channels: [
      text('announcements', null, 0, NEWS),
      { channel_id: desks, name: 'DESKS', kind: CATEGORY, parent_id: null, position: 0 }, text('energy', desks, 0), text('metals', desks, 1), text('rates', desks, 2), text('options-flow', desks, 3), text('ideas', desks, 4, FORUM),
      { channel_id: talk, name: 'TALK', kind: CATEGORY, parent_id: null, position: 1 }, text('lounge', talk, 0), text('morning-call', talk, 1, VOICE),
    ],
    roles: [],
  };
}

async function partnerConnector(stage: OwnStage, guild: Guild): Promise<Connector> {
  const { token } = await stage.admin.post('/api/connectors', { connector_id: 'aurora', tenant_key: 'aurora', name: 'Aurora, Frankfurt' });
  await stage.admin.changeConnector('aurora', { ingest_enabled: true, forward_enabled: true });
  const gone = { channel_id: snowflake(), name: 'softs', kind: TEXT, parent_id: guild.channels[1]?.channel_id ?? null, position: 9 };
  const before = { ...guild, channels: [...guild.channels, gone] };
  const connector = new Connector(stage.ingest_url, 'aurora', 'aurora', token, [before]);
  await connector.sync(null);
  await connector.sync(guild.guild_id);
  // It does not see this one any more when it looks again.
  before.channels = guild.channels;
  connector.start();
  await seen(stage, 'aurora', guild.guild_id);
  return connector;
}

/** The connector is asked for its guilds, then for this one's channels, and has answered. */
async function seen(stage: OwnStage, connector_id: string, guild_id: string): Promise<void> {
  await until(`${connector_id} polls`, async () => (await stage.admin.get(`/api/connectors/${connector_id}`)).last_seen_at_ms !== null);
  for (const asked of [null, guild_id]) {
    const { discovery_request_version } = await stage.admin.post(`/api/connectors/${connector_id}/discovery`, { guild_id: asked });
    await until(`${connector_id} answers`, async () => {
      const { discovery } = await stage.admin.get(`/api/connectors/${connector_id}`);
      return discovery.version === discovery_request_version && discovery.state === 'answered';
    });
  }
}

async function map(stage: OwnStage, customers: Guild, partner_guild: Guild, vip: string): Promise<number[]> {
  const role = (name: string) => customers.roles.find((one) => one.name === name)?.role_id;
  await stage.admin.post('/api/connectors/demo/channels/bulk', { items: DESKS.map(([channel_id]) => ({ channel_id, guild_id: DESK_GUILD, is_source: true, is_target: false, is_enabled: true, thread_mode: 'include' })) });
  await stage.admin.post('/api/connectors/aurora/channels/bulk', { items: ['energy', 'metals', 'rates', 'options-flow'].map((name, i) => ({ channel_id: channelOf(partner_guild, name), guild_id: partner_guild.guild_id, is_source: true, is_target: false, is_enabled: i < 3, thread_mode: i === 1 ? 'exclude' : 'include' })) });
  for (const [i, [channel_id]] of DESKS.entries()) await stage.admin.put(`/api/channels/${channel_id}/visibility`, { min_tier: i === 4 ? 2 : 0 });
  await stage.admin.put(`/api/channels/${channelOf(partner_guild, 'energy')}/visibility`, { min_tier: 3 });
  const rules = [
    { ping_role_id: role('Futures'), filters_json: { keywords_none: ['test', 'paper only'], authors_deny: ['helio_tape'] }, transform_json: { prefix: '**Futures** · ', strip_mentions: true } },
    { ping_role_id: role('FX'), author_style: 'name_line' },
    { ping_role_id: role('Crypto'), filters_json: { regex_none: ['(?i)airdrop|giveaway'], domains_blocked: ['bit.ly'] } },
    { ping_role_id: role('Equities'), author_style: 'webhook', thread_style: 'mirrored' },
    { filters_json: { text_chars_min: 40 }, hand_deletions: 'repost' },
  ];
  const made: number[] = [];
  const add = async (mapping: Record<string, unknown>) => made.push((await stage.admin.post('/api/mappings', mapping)).mapping_id);
  for (const [i, [source_channel_id]] of DESKS.entries()) await add({ source_channel_id, target_channel_id: TARGETS[i]?.[0], tier: i === 4 ? 2 : 1, ...rules[i] });
  await add({ source_channel_id: DESKS[0][0], target_channel_id: vip, tier: 3, priority: 10, ping_role_id: role('VIP'), filters_json: { keywords_any: ['long', 'short', 'stop'] } });
  await add({ source_channel_id: channelOf(partner_guild, 'energy'), target_channel_id: vip, tier: 3 });
  await add({ source_channel_id: channelOf(partner_guild, 'metals'), target_channel_id: TARGETS[0][0], tier: 1, is_enabled: false });
  const [first] = made;
  const { version } = await stage.admin.get(`/api/mappings/${first}`);
  await stage.admin.patch(`/api/mappings/${first}`, { version, filters_json: { keywords_none: ['test', 'paper only', 'demo account'], authors_deny: ['helio_tape'] } });
  return made;
}

/** What a partner says, some of which nobody can take. */
async function partnerDay(stage: OwnStage, partner: Connector, guild: Guild, vip: string): Promise<void> {
  const energy = channelOf(guild, 'energy');
  await partner.say(guild.guild_id, energy, ['Long CL 71.40, stop 70.85, first target 72.60', 'Brent spread is through the average of the month'], 'Aurora Energy');
  await stage.discord.refusePosts(vip);
  await partner.say(guild.guild_id, energy, ['Half off at 72.10, the rest for 72.60', 'Stop moved to entry', 'EIA at 15:30, flat before it'], 'Aurora Energy');
  await until('what Discord refuses is given up', async () => (await stage.admin.get(`/api/dead-letters?target_channel_id=${vip}`)).items.length >= 3);
  await stage.discord.clearFaults();
  const message = (text: string, change: Record<string, unknown>) => ({ ...partner.message(guild.guild_id, { message_id: snowflake(), channel_id: energy, text }), ...change });
  await partner.push([message('no id', { discord_message_id: 'pending' }), message('no list of files', { attachments: 'none' }), message('fine', {})]);
  await partner.push([message('odd embed', { embeds: [{ embed_index: -1 }] })]);
}

/** A day of minutes as a busy router leaves them. */
function dayOfFigures(): string {
  const minutes = 24 * 60;
  // Smooth in time, with two sessions of trading, and a little noise that is the same at each run.
  return `INSERT INTO figures (slot_at, series, count, p50_ms, p95_ms, p99_ms)
    SELECT date_trunc('minute', now()) - make_interval(mins => m), s.series, greatest(1, (s.share * (140 + 260 * exp(-power((m - 200) / 90.0, 2)) + 380 * exp(-power((m - 620) / 140.0, 2)) + 25 * sin(m / 7.0) + 12 * sin(m * 1.7)))::int),
      s.p50 * (1 + 0.08 * sin(m / 11.0)), s.p50 * (2.1 + 0.25 * sin(m / 17.0) + 0.1 * sin(m * 2.3)), s.p50 * (3.4 + 0.6 * sin(m / 23.0) + 0.35 * sin(m * 3.1))
    FROM generate_series(1, ${minutes}) AS m, (VALUES ('accepted', 1.0, NULL::real), ('posted', 0.9, NULL), ('screen', 1.0, 3.1), ('discord', 0.9, 58.0)) AS s (series, share, p50)
    ON CONFLICT DO NOTHING`;
}
