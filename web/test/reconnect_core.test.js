// The schedule of retries and the meaning of close codes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeMeaning, failuresAfterClose, retryDelayMs, watchdogMs } from '../live/reconnect_core.js';

test('the delay is random below a ceiling that doubles to ten seconds', () => {
  const ceilings = [500, 1000, 2000, 4000, 8000, 10_000, 10_000];
  ceilings.forEach((ceiling, failures) => {
    assert.equal(retryDelayMs(failures, () => 1), ceiling, `failures ${failures}`);
    assert.equal(retryDelayMs(failures, () => 0.5), ceiling / 2, `failures ${failures}`);
  });
  assert.equal(retryDelayMs(10_000, () => 1), 10_000);
  assert.equal(retryDelayMs(3, () => 0), 50, 'never a busy loop');
});

test('only a connection that lasted makes the failures forgotten', () => {
  const table = [[3, null, 4], [3, 0, 4], [3, 19_999, 4], [3, 20_000, 0], [0, null, 1]];
  for (const [failures, lived_ms, after] of table) assert.equal(failuresAfterClose(failures, lived_ms), after, `${failures} ${lived_ms}`);
});

test('the watchdog waits two and a half heartbeats', () => {
  assert.equal(watchdogMs(25_000), 62_500);
});

test('close codes: what is final, and what the person can do', () => {
  const table = [
    [4000, false, 'wait'], [4001, false, 'wait'], [4002, false, 'wait'], [4003, false, 'wait'], [4050, false, 'wait'], [1006, false, 'wait'], [1001, false, 'wait'],
    [4400, true, 'reload'], [4401, true, 'sign_in'], [4403, true, 'sign_in'], [4408, true, 'reload'], [4429, true, 'reload'], [4499, true, 'reload'], [4500, false, 'wait'],
  ];
  for (const [code, final, action] of table) {
    const meaning = closeMeaning(code);
    assert.deepEqual([meaning.final, meaning.action], [final, action], `code ${code}`);
    assert.ok(meaning.title.length > 0 && meaning.advice.length > 0, `code ${code} says nothing`);
  }
});
