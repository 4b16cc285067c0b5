// Takes the pictures of docs/pictures/admin: each page with the demo's data. Run by scripts/take-pictures, never by the tests.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DESKTOP, Person, PHONE } from './harness/browser';
import { channelOf } from './harness/guilds';
import { sharedBrowser } from './harness/shared';
import { show, type Show } from './harness/show';
import { OwnStage } from './harness/stage';
import { until } from './harness/until';

const FOLDER = join(import.meta.dirname, '../../docs/pictures/admin');
type Scheme = 'dark' | 'light';
interface Picture { name: string; path: (of: Show) => string; scheme: Scheme; phone?: boolean; before?: (page: Page, of: Show) => Promise<void> }

let stage: OwnStage;
let shown: Show;
const people = new Map<string, Person>();

beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  stage = await OwnStage.start();
  shown = await show(stage);
}, 120_000);

afterAll(async () => {
  for (const person of people.values()) await person.leave();
  await shown?.stop();
  await stage?.end();
});

async function personOf(scheme: Scheme, phone: boolean): Promise<Person> {
  const key = `${scheme}${phone}`;
  const found = people.get(key) ?? (await Person.of(await sharedBrowser(), stage, { colorScheme: scheme, viewport: phone ? PHONE : DESKTOP, hasTouch: phone, isMobile: phone, deviceScaleFactor: 1 }));
  people.set(key, found);
  return found;
}

const guild = (of: Show) => `/connectors/aurora/guilds/${of.partner_guild.guild_id}`;
const chart = async (page: Page) => { await page.locator('.charts canvas').first().waitFor(); };

const PICTURES: readonly Picture[] = [
  { name: 'overview', path: () => '/', scheme: 'dark', before: chart },
  { name: 'overview-day', path: () => '/?span=day', scheme: 'light', before: async (page) => { await chart(page); await page.locator('.charts').scrollIntoViewIfNeeded(); } },
  { name: 'signals', path: () => '/signals', scheme: 'dark', before: async (page) => {
    await page.locator('.signal', { hasText: 'delivered' }).nth(2).click();
    await page.getByRole('complementary', { name: 'Trail' }).getByText(/delivered/).first().waitFor();
  } },
  { name: 'actors', path: () => '/actors', scheme: 'dark' },
  { name: 'connectors', path: () => '/connectors', scheme: 'light' },
  { name: 'connector', path: () => '/connectors/aurora', scheme: 'dark' },
  { name: 'connector-channels', path: guild, scheme: 'light' },
  { name: 'channels', path: () => '/channels', scheme: 'dark' },
  { name: 'raw-events', path: () => '/raw-events', scheme: 'light' },
  { name: 'quarantine', path: () => '/quarantine', scheme: 'dark' },
  { name: 'mappings', path: () => '/mappings', scheme: 'light' },
  { name: 'mapping', path: (of) => `/mappings/${of.mappings[0]}`, scheme: 'dark', before: async (page) => { await page.getByText(/^Of \d+ signals?: [1-9]/).waitFor(); } },
  { name: 'mapping-history', path: (of) => `/mappings/${of.mappings[0]}?tab=history`, scheme: 'light' },
  { name: 'bot-channels', path: (of) => `/bot/guilds/${of.customers.guild_id}`, scheme: 'dark' },
  { name: 'bot-guilds', path: () => '/bot', scheme: 'light' },
  { name: 'targets', path: () => '/targets', scheme: 'dark' },
  { name: 'target', path: () => '/targets/1196417582987740823', scheme: 'light' },
  { name: 'dead-letters', path: () => '/dead-letters', scheme: 'dark' },
  { name: 'audit', path: () => '/audit', scheme: 'light' },
  { name: 'configuration', path: () => '/configuration', scheme: 'dark', before: async (page, of) => {
    await page.getByRole('button', { name: 'Begin with what is now' }).click();
    const file = page.getByRole('textbox', { name: 'The file' });
    const now = await until('the file is there', async () => (await file.inputValue()) || null);
    await file.fill(now.replace('name = "Trading desk"', 'name = "Trading desk, London"').replace(/^tier = 3$/m, 'tier = 2'));
    await page.getByRole('button', { name: 'Compare with what is now' }).click();
    await page.getByRole('heading', { name: /^What it would change/ }).scrollIntoViewIfNeeded();
    await page.locator('details.group').last().scrollIntoViewIfNeeded();
    expect(channelOf(of.customers, 'vip-signals')).not.toBe('');
  } },
  { name: 'session-tokens', path: () => '/session-tokens', scheme: 'light' },
  { name: 'phone-overview', path: () => '/', scheme: 'light', phone: true },
  { name: 'phone-mappings', path: () => '/mappings', scheme: 'dark', phone: true },
];

test.each(PICTURES)('$name', async ({ name, path, scheme, phone = false, before }) => {
  const person = await personOf(scheme, phone);
  const page = await person.open(path(shown));
  await before?.(page, shown);
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await page.close();
  expect(person.faults).toEqual([]);
});

test('the sign-in', async () => {
  const stranger = await Person.of(await sharedBrowser(), stage, { signed_in: false, colorScheme: 'dark' });
  const page = await stranger.context.newPage();
  await page.goto('/');
  await page.getByLabel('Admin token').waitFor();
  await page.screenshot({ path: join(FOLDER, 'sign-in.png') });
  await stranger.leave();
});
