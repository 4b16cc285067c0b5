// A mapping is changed and the change taken back while its connector pushes without a pause: each signal goes by the rules of its
// moment, and all of them arrive once.

import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import type { Connector } from './harness/connector';
import { channelOf, guildOf, snowflake } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';
import { pause, until } from './harness/until';

const SIGNALS_PER_S = 20;
const BETWEEN_CHANGES = 15;
const PREFIX = '[new] ';

const stage = sharedStage();
const desk = guildOf('Loaded desk', ['busy']);
const customers = guildOf('Loaded customers', ['mirror']);
const [source, target] = [channelOf(desk, 'busy'), channelOf(customers, 'mirror')];
let me: Person;
let connector: Connector;
let mapping_id: number;

beforeAll(async () => {
  connector = await connectorWith(stage, 'loaded', [desk]);
  await mark(stage, connector, desk, ['busy'], { is_source: true });
  await botSees(stage, customers);
  await offer(stage, target);
  ({ mapping_id } = await stage.admin.post('/api/mappings', { source_channel_id: source, target_channel_id: target }));
  me = await person(stage);
});

/** Pushes one signal after the other; knows which stage of the change each was pushed in. */
class Load {
  readonly acknowledged: { text: string; pushed_while: string }[] = [];
  private now = 'before';
  private ended = false;
  private readonly running: Promise<void>;

  constructor() {
    this.running = this.run();
  }

  private async run(): Promise<void> {
    for (let n = 0; !this.ended; n += 1) {
      const text = `signal ${n}`;
      const pushed_while = this.now;
      const answer = await connector.push([connector.message(desk.guild_id, { message_id: snowflake(), channel_id: source, text })]);
      expect(answer).toMatchObject({ accepted: 1 });
      // What was pushed across a change may go by either rules.
      this.acknowledged.push({ text, pushed_while: pushed_while === this.now ? pushed_while : 'across' });
      await pause(1000 / SIGNALS_PER_S);
    }
  }

  /** Everything pushed from here on belongs to this part, once so many of it are acknowledged the answer comes. */
  async during(part: string): Promise<void> {
    this.now = part;
    await until(`signals ${part}`, () => this.acknowledged.filter((one) => one.pushed_while === part).length >= BETWEEN_CHANGES);
  }

  between(): void {
    this.now = 'across';
  }

  async end(): Promise<void> {
    this.ended = true;
    await this.running;
  }
}

test('a change of rules and its undo under load', async () => {
  const page = await me.open(`/mappings/${mapping_id}`);
  const load = new Load();
  await load.during('before');

  await page.getByLabel('Before the text').fill(PREFIX);
  load.between();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Saved. It holds for signals that are new from now on.').waitFor();
  await load.during('changed');

  load.between();
  await page.locator('.toast', { hasText: 'Saved.' }).getByRole('button', { name: 'Undo' }).click();
  await page.locator('.toast', { hasText: 'Undone' }).waitFor();
  await load.during('undone');
  await load.end();

  const shown = await until('all of them are in Discord', async () => {
    const messages = await stage.discord.messages(target);
    return messages.length >= load.acknowledged.length && messages;
  });
  const by_text = new Map<string, string[]>();
  for (const { content } of shown) {
    const text = content.startsWith(PREFIX) ? content.slice(PREFIX.length) : content;
    by_text.set(text, [...(by_text.get(text) ?? []), content]);
  }
  for (const { text, pushed_while } of load.acknowledged) {
    const contents = by_text.get(text);
    expect(contents, `${text}, pushed ${pushed_while}`).toHaveLength(1);
    if (pushed_while !== 'across') expect(contents, `pushed ${pushed_while}`).toEqual([pushed_while === 'changed' ? PREFIX + text : text]);
  }
  expect(shown).toHaveLength(load.acknowledged.length);

  await until('all are on record as delivered', async () => (await stage.admin.all(`/api/deliveries?target_channel_id=${target}&state=delivered`)).length === load.acknowledged.length);
  for (const state of ['pending', 'dead_letter', 'dropped']) expect(await stage.admin.all(`/api/deliveries?target_channel_id=${target}&state=${state}`), state).toEqual([]);

  await page.getByRole('button', { name: 'History' }).click();
  await page.getByText(/undone by #/).waitFor();
  expect(me.faults).toEqual([]);
});
