// Pages of other origins, in the browser of an admin who is signed in: they read nothing and change nothing. And what the listener
// itself says to browsers.

import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from './harness/browser';
import { person, sharedStage } from './harness/shared';

const stage = sharedStage();
let server: Server;
let port: number;
let me: Person;

beforeAll(async () => {
  server = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Another site</title>')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  await stage.admin.post('/api/connectors', { connector_id: 'guarded', tenant_key: 'acme', name: 'Guarded' });
  me = await person(stage);
});

afterAll(() => { server.close(); });

// The same host at another port is the same site: there the cookie goes along, and only the checks of the server stand in the way.
describe.each([['of the same site', '127.0.0.1', 403], ['of another site', 'localhost', 401]])('a page %s', (_, host, refusal) => {
  test('reads nothing, changes nothing and hears nothing', async () => {
    const page = await me.context.newPage();
    await page.goto(`http://${host}:${port}/`);
    const admin = stage.admin_url;
    const tries = await page.evaluate(async (base) => {
      const body = JSON.stringify({ version: 1, name: 'Taken over' });
      const attempt = async (path: string, wish: RequestInit) => {
        try {
          const answer = await fetch(base + path, { credentials: 'include', ...wish });
          return `${answer.status} ${(await answer.text()).length}`;
        } catch {
          return 'no answer';
        }
      };
      const socket = new Promise<string>((resolve) => {
        const live = new WebSocket(`${base.replace('http', 'ws')}/api/live`);
        live.onmessage = () => resolve('heard');
        live.onclose = (event) => resolve(`closed ${event.code}`);
      });
      return {
        read: await attempt('/api/connectors', {}),
        read_blindly: await attempt('/api/connectors', { mode: 'no-cors' }),
        patch: await attempt('/api/connectors/guarded', { method: 'PATCH', body, headers: { 'content-type': 'application/json' } }),
        plain_post: await attempt('/api/connectors/guarded/discovery', { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }),
        blind_post: await attempt('/api/connectors/guarded/discovery', { method: 'POST', body: '{}', mode: 'no-cors' }),
        sign_in: await attempt('/api/session', { method: 'POST', body: '{"token":"x"}', mode: 'no-cors' }),
        sign_out: await attempt('/api/session', { method: 'DELETE' }),
        hear: await socket,
      };
    }, admin);
    expect(tries).toEqual({ read: 'no answer', read_blindly: 'no answer', patch: 'no answer', plain_post: 'no answer', blind_post: 'no answer', sign_in: 'no answer', sign_out: 'no answer', hear: 'closed 1006' });
    expect(await submitForm(page, `${admin}/api/connectors/guarded/discovery`)).toBe(refusal);
    await page.close();
    expect(await stage.admin.get('/api/connectors/guarded')).toMatchObject({ name: 'Guarded', discovery_request_version: 0, version: 1 });
    expect((await (await me.context.request.get('/api/session')).json()).signed_in, 'nobody was signed out').toBe(true);
  });

  test('cannot frame the administration', async () => {
    const page = await me.context.newPage();
    await page.goto(`http://${host}:${port}/`);
    await page.evaluate((address) => new Promise<void>((resolve) => {
      const frame = document.createElement('iframe');
      frame.src = address;
      frame.onload = () => resolve();
      document.body.append(frame);
    }), stage.admin_url);
    // What stands in the frame is the browser's own word that it may not.
    expect(await page.frames()[1]?.locator('#app').count()).toBe(0);
    await page.close();
  });
});

async function submitForm(page: Page, address: string): Promise<number> {
  const answered = page.waitForResponse((answer) => answer.url() === address);
  await page.evaluate((action) => {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action });
    document.body.append(form);
    form.submit();
  }, address);
  return (await answered).status();
}

test('without the token nothing is answered but what holds no data', async () => {
  for (const [path, status] of [['/api/connectors', 401], ['/api/live', 401], ['/metrics', 401], ['/debug/actors', 401], ['/api/configuration', 401], ['/healthz', 200], ['/', 200], ['/mappings/1', 200]] as const) {
    const answer = await fetch(stage.admin_url + path, { headers: { accept: 'text/html' } });
    expect(`${path} ${answer.status}`).toBe(`${path} ${status}`);
    await answer.body?.cancel();
  }
});

test('the pages come with a strict content policy', async () => {
  const answer = await fetch(`${stage.admin_url}/`, { headers: { accept: 'text/html' } });
  const policy = answer.headers.get('content-security-policy') ?? '';
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) expect(policy).toContain(part);
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|script-src[^;]*https?:/);
  expect(await answer.text()).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style="/);
});
