// Discord's markdown: table of texts and trees, what must never become a link, and that no text is slow or lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMarkdown, plainText } from '../live/markdown_core.js';

/** A tree in short: spans as [type, ...children], text as itself. */
function short(nodes) {
  return nodes.map((node) => {
    switch (node.type) {
      case 'text': return node.text;
      case 'code': return ['code', node.text];
      case 'fence': return ['fence', node.language, node.text];
      case 'link': return ['link', node.href, ...short(node.children)];
      case 'mention': return ['mention', node.of, node.id];
      case 'time': return ['time', node.at_ms, node.style];
      case 'heading': return [`h${node.level}`, ...short(node.children)];
      default: return [node.type, ...short(node.children)];
    }
  });
}

function check(text, tree) {
  assert.deepEqual(short(parseMarkdown(text)), tree, JSON.stringify(text));
}

test('spans', () => {
  check('plain', ['plain']);
  check('**b** *i* _i_ __u__ ~~s~~ ||x||', [['bold', 'b'], ' ', ['italic', 'i'], ' ', ['italic', 'i'], ' ', ['underline', 'u'], ' ', ['strike', 's'], ' ', ['spoiler', 'x']]);
  check('***both***', [['bold', ['italic', 'both']]]);
  check('**a *b* c**', [['bold', 'a ', ['italic', 'b'], ' c']]);
  check('__**a**__', [['underline', ['bold', 'a']]]);
  check('||**a** b||', [['spoiler', ['bold', 'a'], ' b']]);
  check('**two\nlines**', [['bold', 'two\nlines']]);
});

test('what is not well-formed stays the text it was', () => {
  for (const text of ['**a', 'a**', '****', 'x * a * y', 'snake_case_name', '2 * 3 * 4', '~a~', 'a | b', '`a', '``` ', '||', '[a](b)', '<@x>', '#no', '-no']) check(text, [text]);
  check('**a *b**', [['bold', 'a *b']]);
  check('', []);
});

test('escapes', () => {
  check('\\*a\\* \\`b\\` \\|\\|c\\|\\|', ['*a* `b` ||c||']);
  check('C:\\dir', ['C:\\dir']);
});

test('code keeps its content as it is', () => {
  check('`**a**`', [['code', '**a**']]);
  check('``a`b``', [['code', 'a`b']]);
  check('a\n```rust\nlet *a* = 1;\n```\nb', ['a', ['fence', 'rust', 'let *a* = 1;'], 'b']);
  check('```one line```', [['fence', '', 'one line']]);
  check('```\n<b>\n```', [['fence', '', '<b>']]);
});

test('blocks', () => {
  check('> a\n> **b**\nc', [['quote', 'a\n', ['bold', 'b']], 'c']);
  check('a\n>>> b\nc', ['a', ['quote', 'b\nc']]);
  check('# T\n### *t*', [['h1', 'T'], ['h3', ['italic', 't']]]);
  check('- a\n* **b**\n-# small', [['item', 'a'], ['item', ['bold', 'b']], ['subtext', 'small']]);
});

test('links', () => {
  check('see https://a.example/x?y=1, ok', ['see ', ['link', 'https://a.example/x?y=1', 'https://a.example/x?y=1'], ', ok']);
  check('(https://a.example/b)', ['(', ['link', 'https://a.example/b', 'https://a.example/b'], ')']);
  check('https://a.example/b_(c)', [['link', 'https://a.example/b_(c)', 'https://a.example/b_(c)']]);
  check('<https://a.example>', [['link', 'https://a.example/', 'https://a.example']]);
  check('[t](https://a.example/b)', [['link', 'https://a.example/b', 't']]);
  check('||https://a.example/b||', [['spoiler', ['link', 'https://a.example/b', 'https://a.example/b']]]);
  check('**https://a.example/b**', [['bold', ['link', 'https://a.example/b', 'https://a.example/b']]]);
});

test('nothing but http and https becomes a link', () => {
  const table = ['[a](javascript:alert(1))', '<javascript:alert(1)>', 'javascript:alert(1)', '[a](data:text/html,x)', '[a](//b.example)', 'ftp://a.example', '[a](https://user@b.example)', 'https://', 'vbscript:x', '[a](JaVaScRiPt:alert(1))'];
  for (const text of table) {
    const found = JSON.stringify(parseMarkdown(text));
    assert.equal(found.includes('"type":"link"'), false, `${text} gave ${found}`);
  }
});

test('mentions, emoji and times', () => {
  check('<@1> <@!2> <@&3> <#4>', [['mention', 'user', '1'], ' ', ['mention', 'user', '2'], ' ', ['mention', 'role', '3'], ' ', ['mention', 'channel', '4']]);
  check('<:up:12> <a:go:13>', [':up: :go:']);
  check('<t:10> <t:10:R>', [['time', 10000, 'f'], ' ', ['time', 10000, 'R']]);
  check('<t:9999999999999>', ['<t:9999999999999>']);
});

test('plain text for a notification hides spoilers', () => {
  assert.equal(plainText(parseMarkdown('**a** ||b|| `c` <@1>')), 'a ▮▮▮ c @user');
});

/** The characters of a text that survive in its tree: all but the marks. */
function letters(text) {
  return text.replace(/[^a-z0-9]/g, '');
}

test('random texts: no throw, no letter lost, marks nest within the limit', () => {
  const parts = ['**', '*', '_', '__', '~~', '||', '`', '``', '```', '\n', '> ', ' ', 'a', 'b1', '\\', '[', ']', '(', ')', '<', '>', '- ', '# ', '***'];
  let state = 7;
  const random = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const depth = (nodes) => Math.max(0, ...nodes.map((node) => ('children' in node ? 1 + depth(node.children) : 0)));
  const textOf = (nodes) => nodes.map((node) => ('children' in node ? textOf(node.children) : `${node.language ?? ''}${node.text ?? ''}`)).join('');
  for (let round = 0; round < 5000; round += 1) {
    const text = Array.from({ length: 1 + random(40) }, () => parts[random(parts.length)]).join('');
    const nodes = parseMarkdown(text);
    assert.equal(letters(textOf(nodes)), letters(text), JSON.stringify(text));
    assert.ok(depth(nodes) <= 18, JSON.stringify(text));
  }
});

test('hostile texts of full length are read with bounded work', { timeout: 20_000 }, () => {
  for (const part of ['**', '*a', '_', '[', '||a', '`', '``a`', '<', 'https://', 'http://a@', '> ', '[a](http://', '```', '\\', '~~a**', ')']) {
    const text = part.repeat(Math.ceil(16_384 / part.length));
    assert.ok(parseMarkdown(text).length > 0, part);
  }
});
