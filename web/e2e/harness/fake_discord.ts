// The fake Discord over its control: guilds are declared, what was posted is read, faults are planted. See fake-discord/README.md.

import type { Guild } from './guilds';

export interface FakeMessage { id: string; channel_id: string; content: string; deleted: boolean; [more: string]: unknown }

export class FakeDiscord {
  constructor(private readonly url: string) {}

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/_fake${path}`, { method, headers: { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!answer.ok) throw new Error(`fake Discord: ${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    const text = await answer.text();
    return text === '' ? null : JSON.parse(text);
  }

  /** Declares a guild with its channels and roles: the bot is in it. */
  async declare(guild: Guild): Promise<void> {
    await this.call('POST', '/guilds', { id: guild.guild_id, name: guild.name, roles: guild.roles.map(({ role_id, ...role }) => ({ id: role_id, ...role })) });
    await this.call('POST', '/channels', guild.channels.map((channel) => ({
      id: channel.channel_id, guild_id: guild.guild_id, name: channel.name, type: channel.kind, parent_id: channel.parent_id, position: channel.position, rights: channel.rights,
    })));
  }

  /** What stands in a channel, oldest first. */
  async messages(channel_id: string): Promise<FakeMessage[]> {
    const all = (await this.call('GET', `/messages?channel=${channel_id}`)) as FakeMessage[];
    return all.filter((message) => !message.deleted);
  }

  /** How many new messages in this channel were asked for, whatever came of it. */
  async postsTried(channel_id: string): Promise<number> {
    const requests = (await this.call('GET', '/requests')) as { method: string; route: string | null; channel_id: string | null }[];
    return requests.filter((request) => request.route === 'message_create' && request.channel_id === channel_id).length;
  }

  /** Every new message in this channel is refused for good. */
  async refusePosts(channel_id: string): Promise<void> {
    await this.call('POST', '/faults', { route: 'message_create', channel_id, when: 'always', fault: { error: { status: 400, code: 50035, message: 'Invalid Form Body' } } });
  }

  clearFaults = () => this.call('DELETE', '/faults');
}
