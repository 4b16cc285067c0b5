// What all browser tests share: one Chromium and one stage. A test that needs a server of its own starts an OwnStage.

import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { chromiumPath, FLAGS } from './browser';
import { OwnStage, type Addresses } from './stage';

declare module 'vitest' {
  export interface ProvidedContext { browser_endpoint: string; stage: Addresses }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const stage = await OwnStage.start();
  const server = await chromium.launchServer({ executablePath: chromiumPath(), args: FLAGS });
  project.provide('browser_endpoint', server.wsEndpoint());
  project.provide('stage', stage.addresses);
  return async () => {
    // Not asked to close: the tests hold a connection to it.
    await Promise.all([server.kill(), stage.end()]);
  };
}
