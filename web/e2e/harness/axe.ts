// axe-core in a page: what it finds that keeps people out.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];

interface Violation { id: string; impact: string | null; nodes: { html: string; failureSummary?: string }[] }

/** Serious and critical violations, one line each; `rules` narrows what is looked at. */
export async function violations(page: Page, rules: readonly string[] | null = null): Promise<string[]> {
  // Through the debugger, which the content policy of the page does not bind.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(SOURCE);
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
  const found = (await page.evaluate((runOnly) => (window as unknown as { axe: { run: (options: unknown) => Promise<{ violations: Violation[] }> } }).axe.run({ runOnly, resultTypes: ['violations'] }).then((result) => result.violations), rules === null ? { type: 'tag', values: TAGS } : { type: 'rule', values: [...rules] })) as Violation[];
  return found
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id} (${one.impact}) at ${one.nodes.length}: ${one.nodes[0]?.html.slice(0, 160)} ${one.nodes[0]?.failureSummary?.split('\n')[1]?.trim() ?? ''}`);
}

/** By how many pixels the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
