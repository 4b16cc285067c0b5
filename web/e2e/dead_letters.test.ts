// What Discord refuses for good appears by itself among the dead letters, and is put back once the cause is gone.

import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import type { Connector } from './harness/connector';
import { channelOf, guildOf } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';
import { until } from './harness/until';

const stage = sharedStage();
const desk = guildOf('Refused desk', ['refused']);
const customers = guildOf('Refusing customers', ['closed']);
const target = channelOf(customers, 'closed');
let me: Person;
let connector: Connector;

beforeAll(async () => {
  connector = await connectorWith(stage, 'refused', [desk]);
  await mark(stage, connector, desk, ['refused'], { is_source: true });
  await botSees(stage, customers);
  await offer(stage, target);
  await stage.admin.post('/api/mappings', { source_channel_id: channelOf(desk, 'refused'), target_channel_id: target });
  me = await person(stage);
});

test('a dead letter comes, is redriven and goes', async () => {
  const page = await me.open(`/dead-letters?target_channel_id=${target}`);
  await page.getByText('No dead letters of this target').waitFor();
  await stage.discord.refusePosts(target);
  await connector.say(desk.guild_id, channelOf(desk, 'refused'), ['Nobody wants to post this']);

  const row = page.getByRole('row', { name: /Nobody wants to post this/ });
  await row.waitFor();
  await row.getByText(/Invalid Form Body/).waitFor();
  await page.getByRole('link', { name: /^Dead letters/ }).locator('.badge').first().waitFor();

  // Redriven while the cause stands, it is a dead letter again.
  await row.getByRole('button', { name: /^Redrive/ }).click();
  await page.getByText('1 dead letter put back.').waitFor();
  await until('it was given up again', async () => {
    const { items } = await stage.admin.get(`/api/dead-letters?target_channel_id=${target}`);
    return items.length === 1 && (await stage.discord.postsTried(target)) === 2;
  });
  expect(await stage.discord.messages(target)).toEqual([]);

  await stage.discord.clearFaults();
  await row.getByRole('button', { name: /^Redrive/ }).click();
  await until('it is posted', async () => (await stage.discord.messages(target)).map((message) => message.content).join() === 'Nobody wants to post this');
  await page.getByText('No dead letters of this target').waitFor();
  expect(me.faults).toEqual([]);
});
