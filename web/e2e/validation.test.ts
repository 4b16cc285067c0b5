// What is wrong is said where it is wrong, before anything is saved; what somebody else saved is not overwritten unseen.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import type { Connector } from './harness/connector';
import { channelOf, guildOf } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';
import { until } from './harness/until';

const stage = sharedStage();
// One guild that both the connector and the bot are in, so that a channel can be source and target.
const guild = guildOf('Circle', ['here', 'there', 'aside']);
const [here, there, aside] = ['here', 'there', 'aside'].map((name) => channelOf(guild, name)) as [string, string, string];
let me: Person;
let connector: Connector;

beforeAll(async () => {
  connector = await connectorWith(stage, 'circle', [guild]);
  await mark(stage, connector, guild, ['here', 'there'], { is_source: true });
  await botSees(stage, guild);
  for (const channel_id of [here, there, aside]) await offer(stage, channel_id);
  await stage.admin.post('/api/mappings', { source_channel_id: here, target_channel_id: there });
  me = await person(stage);
});

async function newMapping(source_channel_id: string, target_channel_id: string): Promise<Page> {
  return me.open(`/mappings/new?source_channel_id=${source_channel_id}&target_channel_id=${target_channel_id}`);
}

/** The words that a field itself gives as what is wrong with it. */
function wrongAt(page: Page, label: string) {
  return page.locator('.field.wrong', { has: page.getByLabel(label) }).locator('.problem');
}

test('a loop is refused at the field that closes it', async () => {
  const page = await newMapping(there, here);
  await page.getByRole('button', { name: 'Create mapping' }).click();
  await wrongAt(page, 'Target channel').getByText(/loop/).waitFor();
  expect(new URL(page.url()).pathname).toBe('/mappings/new');
  expect(await stage.admin.all(`/api/mappings?source_channel_id=${there}`)).toEqual([]);
  expect(me.faults).toEqual([]);
});

test('a pattern that does not read is shown at its line, and its correction clears it', async () => {
  const page = await newMapping(there, aside);
  await page.getByRole('button', { name: 'Add to Needs one of these patterns' }).click();
  const line = page.getByLabel('Needs one of these patterns, 1');
  await line.fill('(unclosed');
  await page.locator('input[aria-invalid=true]').waitFor();
  expect(await line.getAttribute('aria-invalid')).toBe('true');
  const words = await page.locator(`[id="${await line.getAttribute('aria-describedby')}"]`).innerText();
  expect(words).toMatch(/unclosed group/);
  await page.getByRole('button', { name: 'Create mapping' }).click();
  await page.getByText(/^Not saved yet: /).waitFor();
  expect(await stage.admin.all(`/api/mappings?source_channel_id=${there}`)).toEqual([]);

  await line.fill('closed');
  await until('the line is fine again', async () => (await line.getAttribute('aria-invalid')) === null);
  await page.getByRole('button', { name: 'Create mapping' }).click();
  await page.getByRole('heading', { name: '#there → #aside', level: 1 }).waitFor();
  expect(me.faults).toEqual([]);
});

test('a mapping that somebody changed meanwhile is shown beside mine', async () => {
  const [mapping] = await stage.admin.all(`/api/mappings?source_channel_id=${here}`);
  const page = await me.open(`/mappings/${mapping.mapping_id}`);
  await page.getByLabel('Tier').fill('3');
  await stage.admin.patch(`/api/mappings/${mapping.mapping_id}`, { version: mapping.version, priority: 40 });
  await page.getByText('Somebody changed this mapping since you opened it.', { exact: false }).waitFor();
  expect(await page.getByRole('button', { name: 'Save changes' }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Keep my changes on top' }).click();
  expect(await page.getByLabel('Priority').inputValue()).toBe('40');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Saved. It holds for signals that are new from now on.').waitFor();
  expect(await stage.admin.get(`/api/mappings/${mapping.mapping_id}`)).toMatchObject({ tier: 3, priority: 40 });
  expect(me.faults).toEqual([]);
});
