// What one person pauses, another sees at once, on a page that is not loaded again.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import type { Connector } from './harness/connector';
import { channelOf, guildOf } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';
import { until } from './harness/until';

const stage = sharedStage();
const desk = guildOf('Paused desk', ['tired']);
const customers = guildOf('Paused customers', ['quiet']);
const [source, target] = [channelOf(desk, 'tired'), channelOf(customers, 'quiet')];
let me: Person;
let somebody: Person;
let connector: Connector;

beforeAll(async () => {
  connector = await connectorWith(stage, 'tired', [desk]);
  await mark(stage, connector, desk, ['tired'], { is_source: true });
  await botSees(stage, customers);
  await offer(stage, target);
  await stage.admin.post('/api/mappings', { source_channel_id: source, target_channel_id: target });
  [me, somebody] = await Promise.all([person(stage), person(stage)]);
});

/** Whether a page is the one it was: a reload forgets this. */
const remember = (page: Page) => page.evaluate(() => { Object.assign(window, { kept: true }); });
const isSame = (page: Page) => page.evaluate(() => 'kept' in window);
const texts = async () => (await stage.discord.messages(target)).map((message) => message.content);

test('a target is paused and resumed', async () => {
  const [mine, theirs] = await Promise.all([me.open('/targets'), somebody.open('/targets')]);
  await remember(theirs);
  await mine.getByRole('button', { name: 'Pause #quiet' }).click();
  const row = theirs.getByRole('row', { name: /#quiet/ });
  await row.locator('.pill', { hasText: 'paused' }).waitFor();
  await connector.say(desk.guild_id, source, ['said while it is paused']);
  await row.getByText(/^1$/).first().waitFor();
  expect(await texts()).toEqual([]);

  await theirs.getByRole('button', { name: 'Resume #quiet' }).click();
  await mine.getByRole('button', { name: 'Pause #quiet' }).waitFor();
  await until('what waited is posted', async () => (await texts()).join() === 'said while it is paused');
  expect(await isSame(theirs)).toBe(true);
  expect([...me.faults, ...somebody.faults]).toEqual([]);
});

test('a connector is paused and resumed', async () => {
  const [mine, theirs] = await Promise.all([me.open(`/connectors/${connector.connector_id}`), somebody.open(`/connectors?q=${connector.connector_id}`)]);
  await remember(theirs);
  const row = theirs.getByRole('row', { name: new RegExp(connector.connector_id) });
  await row.locator('.pill', { hasText: 'active' }).waitFor();
  await mine.getByRole('button', { name: 'Pause', exact: true }).click();
  const question = mine.getByRole('dialog');
  await question.getByText('Signals of this time are then missing', { exact: false }).or(question.getByText('signals of this time are then missing', { exact: false })).first().waitFor();
  await question.getByRole('button', { name: 'Pause' }).click();
  await row.locator('.pill', { hasText: 'paused' }).waitFor();
  await until('it is told', () => connector.config?.status === 'paused');
  await expect(connector.say(desk.guild_id, source, ['refused'])).rejects.toThrow('connector_paused');

  await mine.getByRole('button', { name: 'Resume', exact: true }).click();
  await row.locator('.pill', { hasText: 'active' }).waitFor();
  await connector.say(desk.guild_id, source, ['taken again']);
  await until('it is posted', async () => (await texts()).at(-1) === 'taken again');
  expect(await texts()).not.toContain('refused');
  expect(await isSame(theirs)).toBe(true);
  expect([...me.faults, ...somebody.faults]).toEqual([]);
});
