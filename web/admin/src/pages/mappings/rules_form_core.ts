// The rules of a mapping as a form holds them, and back. In the form everything has a value; in the rules what is plain is absent.
// Pure. Words and limits are those of schema/src/rules.rs.

import { Problem } from '../../api/problem';
import type { Filters, Rules, Transform } from '../../api/types';

export const ENTRIES_MAX = 100;
export const PATTERNS_MAX = 10;
export const ENTRY_CHARS_MAX = 200;
export const PATTERN_CHARS_MAX = 500;
export const DOMAIN_CHARS_MAX = 253;
export const AFFIX_CHARS_MAX = 500;
export const TEMPLATE_CHARS_MAX = 1000;

export const LISTS = ['authors_allow', 'authors_deny', 'keywords_any', 'keywords_none', 'regex_any', 'regex_none', 'domains_blocked', 'domains_stripped'] as const;
export type ListName = (typeof LISTS)[number];
export const RULE_FIELDS = ['filters_json', 'transform_json', 'author_style', 'thread_style', 'hand_deletions'] as const;
export type RuleField = (typeof RULE_FIELDS)[number];

export type Wanted = 'either' | 'yes' | 'no';
export interface Swap { from: string; to: string; whole_word: boolean }
export interface RulesForm extends Record<ListName, string[]> {
  has_attachment: Wanted; has_embed: Wanted; text_chars_min: number | null; text_chars_max: number | null;
  strip_mentions: boolean; replace_words: Swap[]; prefix: string; suffix: string; template: string;
  author_style: 'none' | 'name_line' | 'webhook'; thread_style: 'channel' | 'mirrored'; hand_deletions: 'keep' | 'repost';
}
/** Rules with every field said: null where it is plain. As a change takes them. */
export type WholeRules = { [F in RuleField]: NonNullable<Rules[F]> | null };

export function formOf(rules: Rules): RulesForm {
  const filters = rules.filters_json ?? {};
  const transform = rules.transform_json ?? {};
  const lists = Object.fromEntries(LISTS.map((name) => [name, [...(filters[name] ?? [])]])) as Record<ListName, string[]>;
  return {
    ...lists,
    has_attachment: wantedOf(filters.has_attachment),
    has_embed: wantedOf(filters.has_embed),
    text_chars_min: filters.text_chars_min ?? null,
    text_chars_max: filters.text_chars_max ?? null,
    strip_mentions: transform.strip_mentions ?? false,
    replace_words: (transform.replace_words ?? []).map(({ from = '', to = '', whole_word = false }) => ({ from, to, whole_word })),
    prefix: transform.prefix ?? '',
    suffix: transform.suffix ?? '',
    template: transform.template ?? '',
    author_style: rules.author_style ?? 'none',
    thread_style: rules.thread_style ?? 'channel',
    hand_deletions: rules.hand_deletions ?? 'keep',
  };
}

/** What the form says. Lines that were left blank are no entries. */
export function rulesOf(form: RulesForm): WholeRules {
  const filters: Filters = {};
  for (const name of LISTS) {
    const entries = form[name].filter(isFilled);
    if (entries.length > 0) filters[name] = entries;
  }
  if (form.has_attachment !== 'either') filters.has_attachment = form.has_attachment === 'yes';
  if (form.has_embed !== 'either') filters.has_embed = form.has_embed === 'yes';
  if (form.text_chars_min !== null) filters.text_chars_min = form.text_chars_min;
  if (form.text_chars_max !== null) filters.text_chars_max = form.text_chars_max;

  const transform: Transform = {};
  if (form.strip_mentions) transform.strip_mentions = true;
  const swaps = form.replace_words.filter(isSwapFilled);
  if (swaps.length > 0) transform.replace_words = swaps.map(({ from, to, whole_word }) => ({ from, ...(to === '' ? {} : { to }), ...(whole_word ? { whole_word } : {}) }));
  if (form.prefix !== '') transform.prefix = form.prefix;
  if (form.suffix !== '') transform.suffix = form.suffix;
  if (form.template !== '') transform.template = form.template;

  return {
    filters_json: Object.keys(filters).length > 0 ? filters : null,
    transform_json: Object.keys(transform).length > 0 ? transform : null,
    author_style: form.author_style === 'none' ? null : form.author_style,
    thread_style: form.thread_style === 'channel' ? null : form.thread_style,
    hand_deletions: form.hand_deletions === 'keep' ? null : form.hand_deletions,
  };
}

/** How many rules differ from plain ones. */
export function ruleCount(rules: Rules): number {
  const kept = rulesOf(formOf(rules));
  return Object.keys(kept.filters_json ?? {}).length + Object.keys(kept.transform_json ?? {}).length + (['author_style', 'thread_style', 'hand_deletions'] as const).filter((field) => kept[field] !== null).length;
}

/** What is wrong with the form before the server is asked: the first fault, at the place the server would name. */
export function faultOf(form: RulesForm): Problem | null {
  for (const name of LISTS) {
    const most = name.startsWith('regex') ? PATTERNS_MAX : ENTRIES_MAX;
    const entries = form[name].filter(isFilled);
    if (entries.length > most) return fault(`filters_json.${name}`, `${entries.length} entries, at most ${most}`);
    const chars = charsMax(name);
    const long = entries.findIndex((entry) => length(entry) > chars);
    if (long >= 0) return fault(`filters_json.${name}[${long}]`, `${length(entries[long] ?? '')} characters, at most ${chars}`);
  }
  for (const name of ['text_chars_min', 'text_chars_max'] as const) {
    const value = form[name];
    if (value !== null && (!Number.isInteger(value) || value < 0 || value > 4_294_967_295)) return fault(`filters_json.${name}`, 'is no whole number from 0 on');
  }
  if (form.text_chars_min !== null && form.text_chars_max !== null && form.text_chars_min > form.text_chars_max) {
    return fault('filters_json.text_chars_min', `is above the most characters, which are ${form.text_chars_max}: nothing would pass`);
  }
  const swaps = form.replace_words.filter(isSwapFilled);
  if (swaps.length > ENTRIES_MAX) return fault('transform_json.replace_words', `${swaps.length} entries, at most ${ENTRIES_MAX}`);
  const odd = swaps.findIndex(({ from, to }) => !isFilled(from) || length(from) > ENTRY_CHARS_MAX || length(to) > ENTRY_CHARS_MAX);
  if (odd >= 0) return fault(`transform_json.replace_words[${odd}]`, isFilled(swaps[odd]?.from ?? '') ? `at most ${ENTRY_CHARS_MAX} characters on each side` : 'say what is replaced');
  for (const [name, most] of [['prefix', AFFIX_CHARS_MAX], ['suffix', AFFIX_CHARS_MAX], ['template', TEMPLATE_CHARS_MAX]] as const) {
    if (length(form[name]) > most) return fault(`transform_json.${name}`, `${length(form[name])} characters, at most ${most}`);
  }
  return null;
}

/** The most characters of one entry of a list. */
export function charsMax(name: ListName): number {
  if (name.startsWith('regex')) return PATTERN_CHARS_MAX;
  return name.startsWith('domains') ? DOMAIN_CHARS_MAX : ENTRY_CHARS_MAX;
}

/**
 * What a problem says about one field of the rules, without the place that the sentence begins with; `index` is the line of the form,
 * which counts blank lines, as the server does not. Null when it is about something else.
 */
export interface Placed { text: string; index: number | null }
export function problemAt(problem: Problem | null, field: string, lines: readonly (string | Swap)[] = []): Placed | null {
  const at = placeOf(problem);
  if (problem === null || at === null) return null;
  const rest = at.startsWith(field) ? at.slice(field.length) : null;
  if (rest === null || !(rest === '' || rest.startsWith('[') || rest.startsWith('.'))) return null;
  const entry = /^\[(\d+)\]/.exec(rest)?.[1];
  const filled = lines.map((line, i) => ({ line, i })).filter(({ line }) => (typeof line === 'string' ? isFilled(line) : isSwapFilled(line)));
  const index = entry === undefined ? null : filled[Number(entry)]?.i ?? null;
  return { text: withoutPlace(problem.message), index };
}

/** The place a problem is about: said by the server, or by the beginning of its sentence. */
export function placeOf(problem: Problem | null): string | null {
  if (problem === null) return null;
  return problem.field ?? /^((?:filters|transform)_json[\w.[\]]*): /.exec(problem.message)?.[1] ?? null;
}

/** Whether some field of the form shows this problem. */
export function isShownAtField(problem: Problem | null, fields: readonly string[]): boolean {
  const at = placeOf(problem);
  return at !== null && fields.some((field) => at === field || at.startsWith(`${field}.`) || at.startsWith(`${field}[`));
}

/** "is empty" for "filters_json.keywords_any[1]: is empty". */
export function withoutPlace(message: string): string {
  return message.replace(/^(?:filters|transform)_json[\w.[\]]*: /, '');
}

function fault(field: string, message: string): Problem {
  return new Problem({ status: 0, code: 'invalid', message, field });
}

function wantedOf(value: boolean | null | undefined): Wanted {
  return value === undefined || value === null ? 'either' : value ? 'yes' : 'no';
}

function isFilled(entry: string): boolean {
  return entry.trim() !== '';
}

function isSwapFilled({ from, to }: Swap): boolean {
  return isFilled(from) || to !== '';
}

/** Characters as the server counts them. */
function length(text: string): number {
  return [...text].length;
}
