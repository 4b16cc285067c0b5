// Guilds for tests: ids that no other test uses, channels in Discord's form.

/** Discord's numbers of the kinds of channels. */
export const TEXT = 0;
export const VOICE = 2;
export const CATEGORY = 4;

export interface GuildChannel { channel_id: string; name: string; kind: number; parent_id: string | null; position: number; rights?: Record<string, boolean> }
export interface GuildRole { role_id: string; name: string; position: number; color?: number; mentionable?: boolean }
export interface Guild { guild_id: string; name: string; channels: GuildChannel[]; roles: GuildRole[] }

const DISCORD_EPOCH_MS = 1_420_070_400_000n;
let given = 0n;

/** An id that was not given before in this process, as Discord would give it now. */
export function snowflake(at_ms = Date.now()): string {
  given += 1n;
  return (((BigInt(at_ms) - DISCORD_EPOCH_MS) << 22n) + (given & 0x3fffffn)).toString();
}

/** A guild with one category of text channels by these names. */
export function guildOf(name: string, channels: readonly string[], roles: readonly string[] = []): Guild {
  const category = snowflake();
  return {
    guild_id: snowflake(),
    name,
    channels: [
      { channel_id: category, name: 'Signals', kind: CATEGORY, parent_id: null, position: 0 },
      ...channels.map((channel, i) => ({ channel_id: snowflake(), name: channel, kind: TEXT, parent_id: category, position: i })),
    ],
    roles: roles.map((role, i) => ({ role_id: snowflake(), name: role, position: i + 1, mentionable: true })),
  };
}

/** The id of a channel by its name. */
export function channelOf(guild: Guild, name: string): string {
  const found = guild.channels.find((channel) => channel.name === name);
  if (found === undefined) throw new Error(`no channel ${name} in ${guild.name}`);
  return found.channel_id;
}
