// The whole configuration as a file: exported, changed, compared, applied, and the change taken back.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import { channelOf, guildOf } from './harness/guilds';
import { botSees, connectorWith, mark, offer, person, sharedStage } from './harness/shared';
import { until } from './harness/until';

const stage = sharedStage();
const desk = guildOf('Filed desk', ['filed', 'unfiled']);
const customers = guildOf('Filed customers', ['archive']);
const [source, other, target] = [channelOf(desk, 'filed'), channelOf(desk, 'unfiled'), channelOf(customers, 'archive')];
let me: Person;
let mapping_id: number;

beforeAll(async () => {
  const connector = await connectorWith(stage, 'filed', [desk]);
  await mark(stage, connector, desk, ['filed', 'unfiled'], { is_source: true });
  await botSees(stage, customers);
  await offer(stage, target);
  ({ mapping_id } = await stage.admin.post('/api/mappings', { source_channel_id: source, target_channel_id: target, tier: 1 }));
  me = await person(stage);
});

test('export, change, compare, apply, undo', async () => {
  const page = await me.open('/configuration');
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export…' }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^heliograph-.*\.toml$/);
  const kept = join(await mkdtemp(join(tmpdir(), 'heliograph-e2e-')), 'exported.toml');
  await download.saveAs(kept);
  const exported = await readFile(kept, 'utf8');
  await rm(dirname(kept), { recursive: true });
  expect(exported).toContain(desk.guild_id);
  expect(exported).toContain('archive');

  // What was exported says what is so.
  await page.getByLabel('Configuration file', { exact: true }).setInputFiles({ name: 'same.toml', mimeType: 'text/plain', buffer: Buffer.from(exported) });
  await page.getByRole('heading', { name: 'The file says what is so already' }).waitFor();

  // A slip is told with its line.
  const file = page.getByRole('textbox', { name: 'The file' });
  await file.fill(exported.replace('format = 1', 'fromat = 1'));
  await page.getByRole('button', { name: 'Compare with what is now' }).click();
  await page.getByText(/line \d+, column \d+/).waitFor();

  const changed = `${withTier(exported, 4)}\n[[mappings]]\nsource_channel_id = "${other}"\ntarget_channel_id = "${target}"\n`;
  await file.fill(changed);
  await page.getByRole('button', { name: 'Compare with what is now' }).click();
  await page.getByRole('heading', { name: /^What it would change: / }).waitFor();
  const mappings = page.locator('details.group', { hasText: 'Mappings' });
  await mappings.getByText('tier').first().waitFor();
  expect(await mappings.locator('li > .row .pill').allInnerTexts()).toEqual(expect.arrayContaining(['make', 'change']));

  await page.getByRole('button', { name: 'Apply 2 changes…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
  await page.locator('.toast', { hasText: '2 changes applied' }).waitFor();
  expect(await stage.admin.get(`/api/mappings/${mapping_id}`)).toMatchObject({ tier: 4 });
  expect(await stage.admin.all(`/api/mappings?source_channel_id=${other}`)).toHaveLength(1);

  await me.go(page, '/audit');
  await page.getByRole('button', { name: 'Undo all of them' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click();
  await page.locator('.toast', { hasText: '2 changes undone' }).waitFor();
  await until('all is as it was', async () => (await stage.admin.get('/api/configuration')) === exported);
  expect(me.faults).toEqual([]);
});

/** The file with another tier of our mapping. */
function withTier(document: string, tier: number): string {
  const parts = document.split('[[mappings]]');
  const at = parts.findIndex((part) => part.includes(`"${source}"`) && part.includes(`"${target}"`));
  const part = parts[at];
  if (part === undefined || !/^tier = 1$/m.test(part)) throw new Error(`the export does not hold the mapping:\n${document}`);
  parts[at] = part.replace(/^tier = 1$/m, `tier = ${tier}`);
  return parts.join('[[mappings]]');
}
