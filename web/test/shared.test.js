// Addresses, formats, the contrast of the design tokens, and the rules the policy of the pages depends on.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bytes, duration, exactTime, microseconds, rate, relativeTime } from '../shared/format.js';
import { httpUrl } from '../shared/urls.js';

const WEB = new URL('..', import.meta.url);
const read = (path) => readFileSync(new URL(path, WEB), 'utf8');

test('only plain http(s) addresses pass', () => {
  assert.equal(httpUrl('https://a.example/b?c=1#d'), 'https://a.example/b?c=1#d');
  assert.equal(httpUrl('HTTP://A.example'), 'http://a.example/');
  for (const bad of ['javascript:alert(1)', ' https://a.example', 'java\nscript:x', 'data:image/png;base64,x', '//a.example', '/x', 'https://', 'https://u:p@a.example', 'file:///x', '', null, undefined, 7, `https://a.example/${'x'.repeat(5000)}`]) {
    assert.equal(httpUrl(bad), null, String(bad).slice(0, 40));
  }
});

test('formats', () => {
  const now = 1_800_000_000_000;
  const table = [[0, 'now'], [42_000, '42 s ago'], [420_000, '7 min ago'], [3 * 3_600_000, '3 h ago'], [5 * 86_400_000, '5 d ago'], [-500, 'now']];
  for (const [age, words] of table) assert.equal(relativeTime(now - age, now), words);
  assert.match(relativeTime(now - 90 * 86_400_000, now), /^\d{4}-\d\d-\d\d$/);
  assert.match(exactTime(now), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d$/);
  assert.equal(exactTime(NaN), '');
  assert.deepEqual([0, 38.4, 1500, 42_000, 90_000, 7.2e6].map(duration), ['0 ms', '38 ms', '1.5 s', '42 s', '1 min', '2 h']);
  assert.deepEqual([740, 3200, 42_000, 1.4e6].map(microseconds), ['740 µs', '3.2 ms', '42 ms', '1.4 s']);
  assert.deepEqual([null, 0, 0.25, 1234].map(rate), ['–', '0', '0.3', '1,234']);
  assert.deepEqual([12, 2048, 3 * 1024 * 1024].map(bytes), ['12 B', '2 KiB', '3.0 MiB']);
});

/** @returns {Record<string, string>[]} the tokens of the dark and of the light scheme */
function schemes() {
  const pairs = [...read('shared/tokens.css').matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)];
  assert.ok(pairs.length > 15);
  return [Object.fromEntries(pairs.map((m) => [m[1], m[3]])), Object.fromEntries(pairs.map((m) => [m[1], m[2]]))];
}

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

test('text is readable on every ground it stands on (WCAG AA), in both schemes', () => {
  const pairs = [
    ...['text', 'muted', 'link', 'good', 'warn', 'bad'].flatMap((ink) => ['bg', 'surface', 'raised'].map((ground) => [ink, ground, 4.5])),
    ['faint', 'bg', 4.5], ['faint', 'surface', 4.5], ['on-accent', 'accent', 4.5],
    ['good', 'good-soft', 4.5], ['warn', 'warn-soft', 4.5], ['bad', 'bad-soft', 4.5], ['link', 'link-soft', 4.5], ['muted', 'bad-soft', 4.5], ['text', 'bad-soft', 4.5],
    ['line-strong', 'bg', 3], ['line-strong', 'surface', 3],
    ...[1, 2, 3, 4].flatMap((n) => [[`series-${n}`, 'surface', 3], [`series-${n}`, 'bg', 3]]),
    ['surface', 'bad', 4.5], ['surface', 'good', 3], ['link', 'bg', 4.5], ['bad', 'link-soft', 4.5], ['warn', 'link-soft', 4.5], ['good', 'link-soft', 4.5], ['line-strong', 'raised', 3],
    ['text', 'link-soft', 4.5], ['muted', 'link-soft', 4.5], ['text', 'good-soft', 4.5], ['text', 'warn-soft', 4.5],
  ];
  for (const [name, tokens] of [['dark', schemes()[0]], ['light', schemes()[1]]]) {
    for (const [ink, ground, least] of pairs) {
      const found = contrast(tokens[ink], tokens[ground]);
      assert.ok(found >= least, `${name}: ${ink} on ${ground} is ${found.toFixed(2)}`);
    }
  }
});

/** Every file below a folder of web/. */
function filesOf(folder) {
  return readdirSync(new URL(`${folder}/`, WEB), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(WEB.pathname.length)}/${entry.name}`.replace('//', '/'));
}

test('nothing that the content policy would block or that could turn text into markup', () => {
  const files = ['live', 'admin', 'shared'].flatMap(filesOf);
  assert.ok(files.length > 40);
  for (const file of files) {
    const text = read(file);
    if (/\.(js|ts|svelte)$/.test(file)) {
      assert.doesNotMatch(text, /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|createContextualFragment)|\{@html/, file);
    }
    if (/\.(html|svelte)$/.test(file)) assert.doesNotMatch(text, /\sstyle=|javascript:/i, file);
    if (file.endsWith('.html')) assert.doesNotMatch(text, /<style|\son\w+=/i, file);
    if (file === 'live/index.html') {
      for (const [, address] of text.matchAll(/(?:src|href)="([^"]*)"/g)) {
        assert.match(address, /^(\/assets\/(live|shared)\/|#)/, `${file}: ${address}`);
        if (address.startsWith('/assets/')) assert.ok(files.includes(address.slice('/assets/'.length)), `${file}: ${address} does not exist`);
      }
    }
    if (file.endsWith('.css')) assert.doesNotMatch(text, file.startsWith('admin/') ? /url\(/ : /@import|url\(/, file);
  }
});

test('every id that a script of the live page asks for is on it', () => {
  const ids = new Set([...read('live/index.html').matchAll(/\sid="([^"]+)"/g)].map((m) => m[1]));
  for (const file of filesOf('live').filter((name) => name.endsWith('.js'))) {
    for (const [, id] of read(file).matchAll(/byId\('([^']+)'\)/g)) assert.ok(ids.has(id), `${file}: #${id}`);
  }
});
