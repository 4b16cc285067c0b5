// Items that could not be taken: what is wrong with them is said, and what was the server's fault is taken when it is replayed.

import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import type { Connector } from './harness/connector';
import { channelOf, guildOf, snowflake } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';
import { POISON } from './harness/stage';
import { until } from './harness/until';

const stage = sharedStage();
const desk = guildOf('Careless desk', ['careless']);
const customers = guildOf('Careless customers', ['still']);
const [source, target] = [channelOf(desk, 'careless'), channelOf(customers, 'still')];
let me: Person;
let connector: Connector;

beforeAll(async () => {
  connector = await connectorWith(stage, 'careless', [desk]);
  await mark(stage, connector, desk, ['careless'], { is_source: true });
  await botSees(stage, customers);
  await offer(stage, target);
  await stage.admin.post('/api/mappings', { source_channel_id: source, target_channel_id: target });
  me = await person(stage);
});

test('a bad item is shown with its reason and stays bad, a good one that met a fault is taken', async () => {
  const page = await me.open(`/quarantine?connector_id=${connector.connector_id}`);
  await page.getByText('Nothing is quarantined').waitFor();
  const poison = `${POISON} brings a bug out`;
  const answer = await connector.push([
    connector.message(desk.guild_id, { message_id: 'not an id', channel_id: source, text: 'broken' }),
    connector.message(desk.guild_id, { message_id: snowflake(), channel_id: source, text: 'their neighbour' }),
    connector.message(desk.guild_id, { message_id: snowflake(), channel_id: source, text: poison }),
  ]);
  expect(answer.accepted).toBe(1);
  expect(answer.rejected.map(({ index }) => index).sort()).toEqual([0, 2]);

  // They show by themselves.
  const table = page.getByRole('table', { name: 'Quarantined items' });
  const [broken, poisoned] = [table.getByRole('row', { name: /discord_message_id/ }), table.getByRole('row', { name: /number 3 of its batch/ })];
  await Promise.all([broken.waitFor(), poisoned.waitFor()]);
  await broken.getByRole('button', { name: /^Body/ }).click();
  await page.getByRole('dialog').getByText('not an id').waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Replay all shown (2)' }).click();
  await page.getByText(/^2 items taken anew: /).waitFor();
  await poisoned.waitFor({ state: 'detached' });
  await broken.getByText('rejected').first().waitFor();
  await until('it is in Discord, once', async () => {
    const texts = (await stage.discord.messages(target)).map((message) => message.content);
    return texts.filter((text) => text === poison).length === 1 && texts.length === 2;
  });

  await broken.getByRole('checkbox').check();
  await page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Drop…' }).click();
  await page.getByLabel('Reason, for the audit').fill('no id, no message');
  await page.getByRole('dialog').getByRole('button', { name: 'Drop' }).click();
  await page.getByText('Nothing is quarantined').waitFor();
  await page.getByRole('button', { name: 'Done', exact: true }).click();
  await table.getByRole('row').nth(2).waitFor();
  expect(me.faults).toEqual([]);
});
