// Debian's Chromium, and pages of it that keep what went wrong in them: scripts that threw, what the content policy refused, answers of 500.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { ADMIN_TOKEN, type Stage } from './stage';
import { PATIENCE_MS, until } from './until';

export const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Where Chromium is. */
export function chromiumPath(): string {
  const places = ['/usr/bin/chromium', ...(process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'chromium'))];
  const found = places.find(existsSync);
  if (found === undefined) throw new Error('there is no chromium on this machine: apt-get install --no-install-recommends chromium');
  return found;
}

export async function connectBrowser(endpoint: string): Promise<Browser> {
  return chromium.connect(endpoint);
}

/** One browser of a person: its own cookies, signed in, and what went wrong in it. */
export class Person {
  readonly faults: string[] = [];

  private constructor(readonly context: BrowserContext, readonly stage: Stage) {}

  static async of(browser: Browser, stage: Stage, options: BrowserContextOptions & { signed_in?: boolean } = {}): Promise<Person> {
    const { signed_in = true, ...wanted } = options;
    const context = await browser.newContext({ baseURL: stage.admin_url, viewport: DESKTOP, reducedMotion: 'reduce', ...wanted });
    context.setDefaultTimeout(PATIENCE_MS);
    context.setDefaultNavigationTimeout(PATIENCE_MS);
    const person = new Person(context, stage);
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`content policy: ${event.violatedDirective} refused ${event.blockedURI || 'inline'} ${event.sourceFile}:${event.lineNumber}`));
    });
    context.on('page', (page) => person.listen(page));
    if (signed_in) {
      const answer = await context.request.post('/api/session', { data: { token: ADMIN_TOKEN } });
      if (answer.status() !== 204) throw new Error(`signing in answered ${answer.status()}`);
    }
    return person;
  }

  private listen(page: Page): void {
    page.on('pageerror', (error) => this.faults.push(`${page.url()}: ${error.message}`));
    page.on('console', (message) => {
      // Refusals that a page asks for and shows are no faults of it; the answers below tell which were.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on('response', (answer) => {
      if (answer.status() >= 500) this.faults.push(`${answer.request().method()} ${answer.url()} answered ${answer.status()}`);
    });
  }

  /** Opens a page of the administration and waits until it is there and live. */
  async open(path: string): Promise<Page> {
    const page = await this.context.newPage();
    await this.go(page, path);
    return page;
  }

  async go(page: Page, path: string): Promise<void> {
    await page.goto(path);
    await settled(page);
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

/** A page of the administration is there: its heading stands, nothing loads, its socket is open. */
export async function settled(page: Page): Promise<void> {
  await page.locator('[data-page-title]').first().waitFor();
  await page.locator('.pill[role=status]', { hasText: 'Live' }).filter({ visible: true }).first().waitFor();
  await until('nothing loads any more', async () => (await page.locator('.loading').count()) === 0);
}
