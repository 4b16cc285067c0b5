// The administration without a mouse.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import { channelOf, guildOf } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';

const TABS_MAX = 250;
const stage = sharedStage();
const desk = guildOf('Keyed desk', ['keyed']);
const customers = guildOf('Keyed customers', ['typed']);
let me: Person;
let mapping_id: number;

beforeAll(async () => {
  const connector = await connectorWith(stage, 'keyed', [desk]);
  await mark(stage, connector, desk, ['keyed'], { is_source: true });
  await botSees(stage, customers);
  await offer(stage, channelOf(customers, 'typed'));
  ({ mapping_id } = await stage.admin.post('/api/mappings', { source_channel_id: channelOf(desk, 'keyed'), target_channel_id: channelOf(customers, 'typed') }));
  me = await person(stage);
});

/** Goes on with Tab until what is focused is meant; it must show that it is focused. */
async function tabTo(page: Page, what: string, selector: string): Promise<void> {
  for (let n = 0; n < TABS_MAX; n += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate((wanted) => {
      const element = document.activeElement;
      return { is_it: element?.matches(wanted) ?? false, is_seen: element?.matches(':focus-visible') ?? false };
    }, selector);
    if (!at.is_it) continue;
    expect(at.is_seen, `${what} shows its focus`).toBe(true);
    return;
  }
  throw new Error(`${what} is not reached by Tab`);
}

test('from anywhere to a mapping, changed and saved, by keys alone', async () => {
  const page = await me.open('/');
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await page.getByRole('heading', { name: 'Mappings', level: 1 }).waitFor();
  await page.getByRole('table', { name: 'Mappings' }).waitFor();

  await page.keyboard.press('/');
  await page.keyboard.type('keyed');
  await page.waitForURL(/q=keyed/);
  await page.locator(`a[href="/mappings/${mapping_id}"]`).first().waitFor();
  await tabTo(page, 'the mapping', `a[href="/mappings/${mapping_id}"]`);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '#keyed → #typed', level: 1 }).waitFor();

  const label = page.getByLabel('Behind the text');
  await tabTo(page, 'the field', `[id="${await label.getAttribute('id')}"]`);
  await page.keyboard.type(' (by keys)');
  await tabTo(page, 'the button', 'button[type=submit]');
  await page.keyboard.press('Enter');
  await page.getByText('Saved. It holds for signals that are new from now on.').waitFor();
  expect(await stage.admin.get(`/api/mappings/${mapping_id}`)).toMatchObject({ transform_json: { suffix: ' (by keys)' } });
  expect(me.faults).toEqual([]);
});

test('the keys are told, and a dialog gives the focus back', async () => {
  const page = await me.open('/');
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keys' });
  await dialog.getByText('Mappings', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.getByRole('heading', { name: 'Connectors', level: 1 }).waitFor();
  await tabTo(page, 'New connector', '.page-head button');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'New connector' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'New connector' }).waitFor({ state: 'detached' });
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('New connector');
  expect(me.faults).toEqual([]);
});

test('the first Tab skips the navigation', async () => {
  const page = await me.open('/mappings');
  await page.locator('body').press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('page');
});
