// The form and the rules say the same, and a refusal finds its line.

import { expect, test } from 'vitest';
import { Problem } from '../../api/problem';
import type { Rules } from '../../api/types';
import { faultOf, formOf, isShownAtField, problemAt, ruleCount, rulesOf, type RulesForm } from './rules_form_core';

const FULL: Required<Rules> = {
  filters_json: {
    authors_allow: ['5'], authors_deny: ['bob'], keywords_any: ['btc'], keywords_none: ['scam'], regex_any: ['^BUY'], regex_none: ['test'], has_attachment: true,
    has_embed: false, domains_blocked: ['a.example'], domains_stripped: ['b.example'], text_chars_min: 0, text_chars_max: 9,
  },
  transform_json: { strip_mentions: true, replace_words: [{ from: 'a', to: 'b', whole_word: true }, { from: 'c' }], prefix: ' p', suffix: 's', template: '{text}' },
  author_style: 'name_line', thread_style: 'mirrored', hand_deletions: 'repost',
};
const PLAIN = { filters_json: null, transform_json: null, author_style: null, thread_style: null, hand_deletions: null };

test('rules come back from the form as they went in', () => {
  expect(rulesOf(formOf(FULL))).toEqual(FULL);
  expect(rulesOf(formOf({}))).toEqual(PLAIN);
  expect(rulesOf(formOf({ author_style: 'none', thread_style: 'channel', hand_deletions: 'keep', filters_json: { keywords_any: [] }, transform_json: { prefix: '' } }))).toEqual(PLAIN);
});

test('the form is a copy, and blank lines are no entries', () => {
  const form = formOf(FULL);
  form.keywords_any.push(' ', 'eth');
  form.replace_words.push({ from: '', to: '', whole_word: true });
  expect(rulesOf(form).filters_json?.keywords_any).toEqual(['btc', 'eth']);
  expect(rulesOf(form).transform_json?.replace_words).toHaveLength(2);
  expect(FULL.filters_json?.keywords_any).toEqual(['btc']);
});

test('rules are counted', () => {
  expect(ruleCount({})).toBe(0);
  expect(ruleCount(FULL)).toBe(20);
  expect(ruleCount({ filters_json: { has_embed: false }, author_style: 'webhook', thread_style: 'channel' })).toBe(2);
});

test('the first fault is found before the server is asked', () => {
  const table: [Partial<RulesForm>, string | null][] = [
    [{}, null],
    [{ keywords_any: Array<string>(101).fill('a') }, 'filters_json.keywords_any'],
    [{ keywords_any: [...Array<string>(100).fill('a'), ''] }, null],
    [{ regex_none: Array<string>(11).fill('a') }, 'filters_json.regex_none'],
    [{ regex_any: ['', 'é'.repeat(501)] }, 'filters_json.regex_any[0]'],
    [{ authors_deny: ['𝕏'.repeat(200)] }, null],
    [{ domains_blocked: ['d'.repeat(254)] }, 'filters_json.domains_blocked[0]'],
    [{ text_chars_min: 5, text_chars_max: 4 }, 'filters_json.text_chars_min'],
    [{ text_chars_max: -1 }, 'filters_json.text_chars_max'],
    [{ replace_words: [{ from: 'a', to: '', whole_word: false }, { from: '', to: 'b', whole_word: false }] }, 'transform_json.replace_words[1]'],
    [{ prefix: 'p'.repeat(501) }, 'transform_json.prefix'],
    [{ template: 't'.repeat(1000) }, null],
  ];
  for (const [change, field] of table) expect(faultOf({ ...formOf({}), ...change })?.field ?? null, JSON.stringify(change).slice(0, 80)).toBe(field);
});

test('a refusal is shown at its line', () => {
  const said = (field: string | null, message: string) => new Problem({ status: 422, code: 'refused', message, field });
  const bad = 'filters_json.regex_any[1]: is no regular expression that is understood';
  const table: [Problem | null, string, (string | { from: string; to: string; whole_word: boolean })[], { text: string; index: number | null } | null][] = [
    [said('filters_json.regex_any[1]', bad), 'filters_json.regex_any', ['a', '', '('], { text: 'is no regular expression that is understood', index: 2 }],
    [said(null, bad), 'filters_json.regex_any', ['a', '('], { text: 'is no regular expression that is understood', index: 1 }],
    [said(null, bad), 'filters_json.regex_none', ['a', '('], null],
    [said(null, 'filters_json.regex_any: 11 entries, at most 10'), 'filters_json.regex_any', ['a'], { text: '11 entries, at most 10', index: null }],
    [said(null, 'transform_json.replace_words[0]: is empty'), 'transform_json.replace_words', [{ from: '', to: 'x', whole_word: false }], { text: 'is empty', index: 0 }],
    [said(null, 'it would close a loop'), 'filters_json.regex_any', [], null],
    [null, 'filters_json', [], null],
  ];
  for (const [problem, field, lines, expected] of table) expect(problemAt(problem, field, lines), field).toEqual(expected);
  expect(isShownAtField(said(null, bad), ['tier', 'filters_json'])).toBe(true);
  expect(isShownAtField(said(null, 'it would close a loop'), ['filters_json'])).toBe(false);
});
