// From nothing to the first signal, all of it by hand in the administration: what an admin does on the first day.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { Person } from './harness/browser';
import { DemoConnector } from './harness/demo_connector';
import { channelOf, guildOf } from './harness/guilds';
import { sharedBrowser } from './harness/shared';
import { ADMIN_TOKEN, OwnStage } from './harness/stage';
import { until } from './harness/until';

const customers = guildOf('Signal Customers', ['futures', 'crypto'], ['Futures fans']);
const TARGET = channelOf(customers, 'futures');
/** Of the demo connector. */
const SOURCE_GUILD = 'Heliograph Desk';
const SOURCE = 'futures-desk';

let stage: OwnStage;
let me: Person;
let page: Page;
let connector: DemoConnector | null = null;

beforeAll(async () => {
  stage = await OwnStage.start();
  await stage.discord.declare(customers);
  me = await Person.of(await sharedBrowser(), stage, { signed_in: false });
});

afterAll(async () => {
  await connector?.stop();
  await me.leave();
  await stage.end();
});

test('the first day, from signing in to a signal in Discord', async () => {
  page = await me.context.newPage();
  await signIn();
  const token = await makeConnector();
  connector = await DemoConnector.start({ ingest_url: stage.ingest_url, tenant_key: 'demo', connector_id: 'desk', token, rate: 40 });
  await discover();
  await markSource();
  await offerTarget();
  await map();
  await turnForwardingOn();
  await compareEverywhere();
  expect(me.faults).toEqual([]);
});

async function signIn(): Promise<void> {
  await page.goto('/');
  await page.getByLabel('Admin token').fill('not the token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This is not the admin token.').waitFor();
  await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  const kept = await page.evaluate(() => [document.cookie, ...Object.values(localStorage), ...Object.values(sessionStorage)].join(' '));
  expect(kept, 'no script can read the token').not.toContain(ADMIN_TOKEN);
}

async function makeConnector(): Promise<string> {
  await page.getByRole('link', { name: 'Connectors', exact: true }).first().click();
  await page.getByText('No connector yet').waitFor();
  await page.getByRole('button', { name: 'New connector' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Connector id').fill('desk');
  await dialog.getByLabel('Tenant key').fill('demo');
  await dialog.getByLabel('Name').fill('The desk');
  await dialog.getByRole('button', { name: 'Create' }).click();
  const token = (await page.getByRole('dialog').locator('code').textContent())?.trim() ?? '';
  expect(token.length).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByRole('heading', { name: 'The desk', level: 1 }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'The desk', level: 1 }).waitFor();
  expect(await page.content(), 'it is shown once').not.toContain(token);
  return token;
}

async function discover(): Promise<void> {
  await page.locator('.pill', { hasText: 'active' }).first().waitFor();
  await page.getByRole('button', { name: 'Fetch guilds' }).click();
  const state = page.locator('.discovery[role=status]');
  await state.getByText(/^Guilds: 2 guilds in /).waitFor();
  await state.getByText(/^Picked up after /).waitFor();
  await state.getByText(/^Answered after /).waitFor();
  const row = page.getByRole('row', { name: SOURCE_GUILD });
  await row.getByText('not fetched').waitFor();
  await row.getByRole('button', { name: 'Fetch channels' }).click();
  await state.getByText(new RegExp(`^Channels of ${SOURCE_GUILD}: \\d+ channels in `)).waitFor();
  await row.getByRole('link', { name: SOURCE_GUILD }).click();
}

async function markSource(): Promise<void> {
  await page.getByRole('table', { name: `Channels of ${SOURCE_GUILD}` }).waitFor();
  const row = page.getByRole('row', { name: SOURCE });
  await row.getByRole('button', { name: `${SOURCE} is a source` }).click();
  await row.locator('[aria-label$="is a source"][aria-pressed=true]').waitFor();
  await row.getByLabel(`Who sees ${SOURCE} live`).selectOption({ label: 'Tier 0: everybody' });
  await page.getByText(`#${SOURCE}: visible from tier 0`).waitFor();
}

async function offerTarget(): Promise<void> {
  await page.getByRole('link', { name: "Bot's guilds" }).first().click();
  await page.getByRole('heading', { name: "Bot's guilds", level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Look again now' }).click();
  await page.getByRole('link', { name: customers.name }).click();
  const offered = page.getByRole('switch', { name: 'futures is a target' });
  await offered.click();
  await page.getByText('#futures is a target', { exact: true }).waitFor();
  expect(await offered.getAttribute('aria-checked')).toBe('true');
}

async function map(): Promise<void> {
  await page.getByRole('link', { name: 'Mappings', exact: true }).first().click();
  await page.getByRole('link', { name: 'New mapping' }).first().click();
  await page.getByRole('heading', { name: 'New mapping', level: 1 }).waitFor();
  await choose('Source channel', SOURCE, SOURCE_GUILD);
  // The connector has begun to push: the rules are tried on what came.
  await page.getByText(/^Of \d+ signals?: /).waitFor();
  await choose('Target channel', 'futures', customers.name);
  await choose('Role that is pinged', 'Futures', 'Futures fans');
  await page.getByRole('button', { name: 'Add to Must have none of these words' }).click();
  await page.getByLabel('Must have none of these words, 1').fill('zebra');
  await page.getByText(/^Of \d+ signals?: [1-9]\d* would be posted/).waitFor();
  await page.getByRole('button', { name: 'Create mapping' }).click();
  await page.getByRole('heading', { name: `#${SOURCE} → #futures`, level: 1 }).waitFor();
}

async function choose(label: string, typed: string, shown: string): Promise<void> {
  const box = page.getByRole('combobox', { name: label });
  await box.click();
  await box.pressSequentially(typed);
  await page.getByRole('option').filter({ hasText: shown }).filter({ hasText: typed }).first().click();
}

async function turnForwardingOn(): Promise<void> {
  await page.getByRole('link', { name: 'Connectors', exact: true }).first().click();
  await page.getByRole('link', { name: 'The desk' }).click();
  const forwarding = page.getByRole('switch', { name: 'Forwarding' });
  await forwarding.waitFor();
  if ((await forwarding.getAttribute('aria-checked')) === 'false') {
    await forwarding.click();
    await page.getByText('Forwarding on').waitFor();
  }
  expect(await forwarding.getAttribute('aria-checked')).toBe('true');
}

/** One signal with a plain text: the same on the feed, on the live page, and in Discord. */
async function compareEverywhere(): Promise<void> {
  const public_page = await me.context.newPage();
  await public_page.goto(stage.public_url);
  await me.go(page, '/signals');
  await until('a signal with a text is delivered', plainSignal);
  // What is compared is edited no more.
  await connector?.stop();
  await until('nothing waits', async () => (await stage.admin.all(`/api/deliveries?target_channel_id=${TARGET}&state=pending`)).length === 0);
  const signal = await until('the signal is still there', plainSignal);
  await until('it stands in Discord', async () => (await stage.discord.messages(TARGET)).some((message) => withoutPing(message.content) === signal.text));
  const line = page.locator('.signal', { hasText: signal.text }).first();
  await line.waitFor();
  const shown = public_page.locator(`li.signal[data-id="${signal.signal_id}"]`);
  await shown.waitFor();
  expect(await shown.locator('.body').innerText()).toBe(signal.text);

  await line.click();
  const trail = page.getByRole('complementary', { name: 'Trail' });
  await trail.getByText(/in Discord/).first().waitFor();
  await public_page.close();
}

async function plainSignal() {
  const { items } = await stage.admin.get('/api/signals?limit=100');
  return items.find((line: { text: string; deliveries: { delivered: number }; deleted: boolean }) => line.deliveries.delivered === 1 && !line.deleted && isPlain(line.text));
}

const isPlain = (text: string) => text.length > 10 && !/[*_~`|<>\n#[\]@]/.test(text) && !/https?:/.test(text);
const withoutPing = (content: string) => content.replace(/^<@&\d+>\s*/, '').replace(/\s*<@&\d+>$/, '');
