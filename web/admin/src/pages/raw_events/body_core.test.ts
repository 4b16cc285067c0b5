// Bodies of all kinds.

import { expect, test } from 'vitest';
import { bodyText, readable } from './body_core';

test('whole JSON in lines, anything else as it came', () => {
  const table: [string, string, boolean][] = [
    ['{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}', true], ['{"a":', '{"a":', false], ['7', '7', true], ['', '', false], ['{ "a" : {}, "b":[ ] }', '{\n  "a": {},\n  "b": []\n}', true],
    ['["{,:}\\"[]", true]', '[\n  "{,:}\\"[]",\n  true\n]', true],
  ];
  for (const [body, text, is_json] of table) expect(readable(body)).toEqual({ text, is_json });
});

test('in lines it says the same as JSON.stringify does', () => {
  const value = { id: '1', list: [1, -2.5, null, true, { x: [] }], 'odd "key"\n': 'tab\tand ü', deep: { a: { b: [[1], [2, 3]] } } };
  expect(readable(JSON.stringify(value)).text).toBe(JSON.stringify(value, null, 2));
});

test('values are not changed by being shown', () => {
  expect(readable('{"id":1100000000000000001,"a":1.0,"b":"\\u0041"}').text).toBe('{\n  "id": 1100000000000000001,\n  "a": 1.0,\n  "b": "\\u0041"\n}');
  expect([bodyText('x'), bodyText({ a: 1 })]).toEqual(['x', '{"a":1}']);
});
