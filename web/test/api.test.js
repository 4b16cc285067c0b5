// The types of the API are those of docs/openapi.json.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the generated types are not stale', () => {
  const checked = spawnSync(process.execPath, [fileURLToPath(new URL('../api.mjs', import.meta.url)), '--check'], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);
});
