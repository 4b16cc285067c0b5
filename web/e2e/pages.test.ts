// Every page of the administration: readable for everybody in dark and in light, on a desk and on a phone, and nothing in it that the
// content policy refuses.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { overflow, violations } from './harness/axe';
import { DESKTOP, PHONE, Person, settled } from './harness/browser';
import { sharedBrowser } from './harness/shared';
import { OwnStage } from './harness/stage';
import { worldOf, type World } from './harness/world';

// Not the shared one: what other tests leave behind makes long pages, and looking at them takes long.
let stage: OwnStage;
let me: Person;
let world: World;

beforeAll(async () => {
  stage = await OwnStage.start();
  world = await worldOf(stage);
  me = await Person.of(await sharedBrowser(), stage, { colorScheme: 'dark' });
});

afterAll(async () => {
  await world.connector.stop();
  await me.leave();
  await stage.end();
});

const PAGES: readonly [string, (w: World) => string][] = [
  ['overview', () => '/'],
  ['signals', (w) => `/signals?channel_id=${w.source}&signal_id=${w.signal_id}`],
  ['actors', () => '/actors'],
  ['connectors', () => '/connectors'],
  ['a connector', (w) => `/connectors/${w.connector.connector_id}`],
  ['channels of a guild', (w) => `/connectors/${w.connector.connector_id}/guilds/${w.guild_id}`],
  ['channels', () => '/channels'],
  ['raw events', () => '/raw-events'],
  ['quarantine', () => '/quarantine'],
  ['mappings', () => '/mappings'],
  ['a new mapping', (w) => `/mappings/new?source_channel_id=${w.source}`],
  ['a mapping', (w) => `/mappings/${w.mapping_id}`],
  ['history of a mapping', (w) => `/mappings/${w.mapping_id}?tab=history`],
  ['order of mappings', (w) => `/mappings/order/${w.source}`],
  ["bot's guilds", () => '/bot'],
  ['channels of a guild of the bot', (w) => `/bot/guilds/${w.bot_guild_id}`],
  ['targets', () => '/targets'],
  ['a target', (w) => `/targets/${w.target}`],
  ['dead letters', () => '/dead-letters'],
  ['audit', () => '/audit'],
  ['configuration', () => '/configuration'],
  ['session tokens', () => '/session-tokens'],
  ['no page', () => '/nothing-here'],
];

describe.each(PAGES)('%s', (_, pathOf) => {
  test('can be read by everybody, on a phone as well', async () => {
    me.faults.length = 0;
    const page = await me.open(pathOf(world));
    const found: string[] = [];
    // The second look differs from the first in its colours only.
    for (const [look, scheme, viewport, rules] of [['dark', 'dark', DESKTOP, null], ['light', 'light', DESKTOP, ['color-contrast']], ['phone', 'light', PHONE, null]] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme });
      await settled(page);
      found.push(...(await violations(page, rules)).map((line) => `${look}: ${line}`));
      const wider = await overflow(page);
      if (wider > 0) found.push(`${look}: ${wider} px wider than its window`);
    }
    await page.close();
    expect([...found, ...me.faults]).toEqual([]);
  });
});

test('no page of the navigation is left out above', async () => {
  const page = await me.open('/');
  const links = await page.locator('nav[aria-label=Pages] a').evaluateAll((all) => [...new Set(all.map((link) => link.getAttribute('href')))]);
  const looked_at = PAGES.map(([, pathOf]) => pathOf(world).split('?')[0]);
  expect(links.filter((link) => !looked_at.includes(link ?? ''))).toEqual([]);
  expect(links.length).toBeGreaterThan(10);
  await page.close();
});

test('the sign-in can be read by everybody', async () => {
  const stranger = await Person.of(await sharedBrowser(), stage, { signed_in: false });
  const page = await stranger.context.newPage();
  await page.goto('/');
  await page.getByLabel('Admin token').waitFor();
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await violations(page), scheme).toEqual([]);
  }
  await page.setViewportSize(PHONE);
  expect(await overflow(page)).toBe(0);
  await stranger.leave();
  expect(stranger.faults).toEqual([]);
});
