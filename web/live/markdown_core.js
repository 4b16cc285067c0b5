// @ts-check
// Discord's markdown as a tree of plain objects. Reads every character once per level and nests only so deep, so no text
// can make it slow; whatever is not well-formed stays the text it was. Knows no DOM: markdown_view.js draws the tree.

import { httpUrl } from '../shared/urls.js';

/**
 * @typedef {'bold' | 'italic' | 'underline' | 'strike' | 'spoiler' | 'quote' | 'subtext' | 'item'} SpanType
 * @typedef {{ type: 'text', text: string }
 *   | { type: SpanType, children: MarkdownNode[] }
 *   | { type: 'heading', level: number, children: MarkdownNode[] }
 *   | { type: 'link', href: string, children: MarkdownNode[] }
 *   | { type: 'code', text: string }
 *   | { type: 'fence', language: string, text: string }
 *   | { type: 'mention', of: 'user' | 'role' | 'channel', id: string }
 *   | { type: 'time', at_ms: number, style: string }} MarkdownNode
 */

const TEXT_LENGTH_MAX = 16_384;
const DEPTH_MAX = 16;

/** @type {Record<string, SpanType>} */
const SPAN_OF = { '**': 'bold', '*': 'italic', _: 'italic', __: 'underline', '~~': 'strike', '||': 'spoiler' };
const FENCE = /```(?:([\w+#.-]{1,20})\n|\n)?((?:(?!```)[\s\S])+)```/g;

/**
 * @param {string} text
 * @returns {MarkdownNode[]}
 */
export function parseMarkdown(text) {
  const parsed = text.slice(0, TEXT_LENGTH_MAX).replaceAll('\r\n', '\n');
  /** @type {MarkdownNode[]} */
  const nodes = [];
  let from = 0;
  for (const fence of parsed.matchAll(FENCE)) {
    nodes.push(...parseLines(parsed.slice(from, fence.index).replace(/\n$/, '')));
    nodes.push({ type: 'fence', language: fence[1] ?? '', text: fence[2].replace(/\n$/, '') });
    from = fence.index + fence[0].length;
    if (parsed[from] === '\n') from += 1;
  }
  nodes.push(...parseLines(parsed.slice(from)));
  if (text.length > TEXT_LENGTH_MAX) nodes.push({ type: 'text', text: text.slice(TEXT_LENGTH_MAX) });
  return nodes;
}

/**
 * The text without its marks, for a notification or a screen reader; spoilers stay hidden.
 * @param {MarkdownNode[]} nodes
 * @returns {string}
 */
export function plainText(nodes) {
  return nodes.map(plainNode).join('');
}

/** @param {MarkdownNode} node @returns {string} */
function plainNode(node) {
  switch (node.type) {
    case 'text': case 'code': return node.text;
    case 'fence': return `\n${node.text}\n`;
    case 'mention': return node.of === 'channel' ? '#channel' : `@${node.of}`;
    case 'time': return new Date(node.at_ms).toISOString();
    case 'spoiler': return '▮▮▮';
    case 'heading': case 'quote': case 'item': case 'subtext': return `${plainText(node.children)}\n`;
    default: return plainText(node.children);
  }
}

/** @param {string} text @returns {MarkdownNode[]} */
function parseLines(text) {
  if (text === '') return [];
  const lines = text.split('\n');
  /** @type {MarkdownNode[]} */
  const nodes = [];
  /** @type {string[]} */
  let plain = [];
  const endPlain = () => {
    if (plain.length > 0) nodes.push(...parseInline(plain.join('\n')));
    plain = [];
  };
  for (let i = 0; i < lines.length; i += 1) {
    const block = blockAt(lines, i);
    if (block === null) {
      plain.push(lines[i]);
    } else {
      endPlain();
      nodes.push(block.node);
      i += block.lines - 1;
    }
  }
  endPlain();
  return nodes;
}

/**
 * The block that starts in line i, and how many lines it takes.
 * @param {string[]} lines
 * @param {number} i
 * @returns {{ node: MarkdownNode, lines: number } | null}
 */
function blockAt(lines, i) {
  const line = lines[i];
  if (line.startsWith('>>> ')) {
    const rest = [line.slice(4), ...lines.slice(i + 1)];
    return { node: { type: 'quote', children: parseInline(rest.join('\n')) }, lines: rest.length };
  }
  if (line.startsWith('> ')) {
    let end = i;
    while (end < lines.length && lines[end].startsWith('> ')) end += 1;
    const quoted = lines.slice(i, end).map((l) => l.slice(2)).join('\n');
    return { node: { type: 'quote', children: parseInline(quoted) }, lines: end - i };
  }
  const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
  if (heading !== null) return { node: { type: 'heading', level: heading[1].length, children: parseInline(heading[2]) }, lines: 1 };
  const marked = /^(-#| {0,6}[-*]) +(\S.*)$/.exec(line);
  if (marked === null) return null;
  return { node: { type: marked[1] === '-#' ? 'subtext' : 'item', children: parseInline(marked[2]) }, lines: 1 };
}

/**
 * Text runs with spans. Openers wait on a stack with what was read since; a closer wraps it, and whatever is still
 * open at the end was only text.
 * @param {string} text
 * @returns {MarkdownNode[]}
 */
function parseInline(text) {
  const stack = new Spans();
  const noCloser = new Set();
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    if (c === '\\' && /[!-/:-@[-`{-~]/.test(text[i + 1] ?? '')) {
      stack.text(text[i + 1]);
      i += 2;
    } else if (c === '`') {
      i += readCode(text, i, stack, noCloser);
    } else if (c === '*' || c === '_' || c === '~' || c === '|') {
      i += readMarks(text, i, stack);
    } else if (c === '<' || c === '[' || c === 'h' || c === 'H') {
      i += readAddress(text, i, stack);
    } else {
      stack.text(c);
      i += 1;
    }
  }
  return stack.end();
}

/** What is open, innermost last, each with what was read inside it. */
class Spans {
  constructor() {
    /** @type {{ mark: string, nodes: MarkdownNode[] }[]} */
    this.open = [{ mark: '', nodes: [] }];
  }

  get top() {
    return this.open[this.open.length - 1];
  }

  /** @param {string} text */
  text(text) {
    const nodes = this.top.nodes;
    const last = nodes[nodes.length - 1];
    if (last !== undefined && last.type === 'text') last.text += text;
    else nodes.push({ type: 'text', text });
  }

  /** @param {MarkdownNode} node */
  node(node) {
    this.top.nodes.push(node);
  }

  /** Makes the innermost opener the text it was. */
  giveUpTop() {
    const { mark, nodes } = this.top;
    this.open.pop();
    this.text(mark);
    for (const node of nodes) {
      if (node.type === 'text') this.text(node.text);
      else this.node(node);
    }
  }

  /** @param {string} mark @returns {boolean} whether there was such an opener with something in it */
  close(mark) {
    let at = this.open.length - 1;
    while (at > 0 && this.open[at].mark !== mark) at -= 1;
    if (at === 0 || (at === this.open.length - 1 && this.top.nodes.length === 0)) return false;
    while (this.open.length - 1 > at) this.giveUpTop();
    const { nodes } = this.top;
    this.open.pop();
    this.node({ type: SPAN_OF[mark], children: nodes });
    return true;
  }

  end() {
    while (this.open.length > 1) this.giveUpTop();
    return this.open[0].nodes;
  }
}

/**
 * A run of one mark character, e.g. `***`: closes what it can, innermost first, then opens.
 * @param {string} text @param {number} i @param {Spans} stack
 * @returns {number} characters read
 */
function readMarks(text, i, stack) {
  const c = text[i];
  let length = 1;
  while (text[i + length] === c) length += 1;
  const before = text[i - 1] ?? ' ';
  const after = text[i + length] ?? ' ';
  let left = length;
  while (left > 0) {
    const mark = closable(c, left, before, after, stack);
    if (mark !== null && stack.close(mark)) {
      left -= mark.length;
      continue;
    }
    const opener = left >= 2 ? c + c : c;
    if (SPAN_OF[opener] !== undefined && stack.open.length <= DEPTH_MAX && canOpen(opener, before, after)) {
      stack.open.push({ mark: opener, nodes: [] });
    } else {
      stack.text(opener);
    }
    left -= opener.length;
  }
  return length;
}

/**
 * The mark that a run of `left` characters may close: the innermost open one that fits, but two characters are rather
 * one double mark than two single ones.
 * @param {string} c @param {number} left @param {string} before @param {string} after @param {Spans} stack
 * @returns {string | null}
 */
function closable(c, left, before, after, stack) {
  if (left === 2 && SPAN_OF[c + c] !== undefined && stack.open.some(({ mark }) => mark === c + c)) return c + c;
  for (let at = stack.open.length - 1; at > 0; at -= 1) {
    const mark = stack.open[at].mark;
    if (mark[0] !== c || mark.length > left) continue;
    if (mark === '*' && /\s/.test(before)) return null;
    if (mark === '_' && /\w/.test(after)) return null;
    return mark;
  }
  return null;
}

/** @param {string} mark @param {string} before @param {string} after */
function canOpen(mark, before, after) {
  if (mark === '*') return !/\s/.test(after);
  if (mark === '_') return !/\w/.test(before) && !/\s/.test(after);
  return true;
}

/**
 * `code` or ``code``: nothing inside is read as markdown.
 * @param {string} text @param {number} i @param {Spans} stack
 * @param {Set<number>} noCloser lengths of backtick runs known to have no closer further on
 * @returns {number} characters read
 */
function readCode(text, i, stack, noCloser) {
  let length = 1;
  while (text[i + length] === '`') length += 1;
  if (length <= 2 && !noCloser.has(length)) {
    const closer = length === 1 ? /(?<!`)`(?!`)/g : /(?<!`)``(?!`)/g;
    closer.lastIndex = i + length;
    const end = closer.exec(text);
    if (end !== null) {
      stack.node({ type: 'code', text: text.slice(i + length, end.index) });
      return end.index + length - i;
    }
    noCloser.add(length);
  }
  stack.text(text.slice(i, i + length));
  return length;
}

const BRACKETED = /<(?:(https?:\/\/[^\s<>]+)|@!?(\d{1,20})|@&(\d{1,20})|#(\d{1,20})|a?:(\w{1,32}):\d{1,20}|t:(-?\d{1,13})(?::([tTdDfFR]))?)>/iy;
const MASKED = /\[([^[\]\n]{1,512})\]\(<?(https?:\/\/[^\s()<>]{1,2048}(?:\([^\s()<>]{0,256}\)[^\s()<>]{0,512})?)>?\)/iy;
const BARE = /https?:\/\/[^\s<>]+/iy;

/**
 * Links, mentions, custom emoji and times.
 * @param {string} text @param {number} i @param {Spans} stack
 * @returns {number} characters read
 */
function readAddress(text, i, stack) {
  if (text[i] === '<') {
    const found = matchAt(BRACKETED, text, i);
    const node = found && bracketed(found);
    if (found && node) {
      if (node.type === 'text') stack.text(node.text);
      else stack.node(node);
      return found[0].length;
    }
  } else if (text[i] === '[') {
    const found = matchAt(MASKED, text, i);
    const href = found && httpUrl(found[2]);
    if (found && href) {
      stack.node({ type: 'link', href, children: [{ type: 'text', text: found[1] }] });
      return found[0].length;
    }
  } else if (!/\w/.test(text[i - 1] ?? ' ')) {
    const found = matchAt(BARE, text, i);
    const shown = found && withoutTail(found[0]);
    const href = shown && httpUrl(shown);
    if (shown && href) {
      stack.node({ type: 'link', href, children: [{ type: 'text', text: shown }] });
      return shown.length;
    }
  }
  stack.text(text[i]);
  return 1;
}

/** @param {RegExpExecArray} found @returns {MarkdownNode | null} */
function bracketed(found) {
  const [, url, user, role, channel, emoji, seconds, style] = found;
  if (url !== undefined) {
    const href = httpUrl(url);
    return href === null ? null : { type: 'link', href, children: [{ type: 'text', text: url }] };
  }
  if (user !== undefined) return { type: 'mention', of: 'user', id: user };
  if (role !== undefined) return { type: 'mention', of: 'role', id: role };
  if (channel !== undefined) return { type: 'mention', of: 'channel', id: channel };
  if (emoji !== undefined) return { type: 'text', text: `:${emoji}:` };
  const at_ms = Number(seconds) * 1000;
  return Math.abs(at_ms) <= 8.64e15 ? { type: 'time', at_ms, style: style ?? 'f' } : null;
}

/**
 * A bare address without the punctuation of the sentence around it, or the marks that close a span around it.
 * @param {string} url
 */
function withoutTail(url) {
  let end = url.length;
  const spanEnd = url.search(/\*\*|~~|\|\|/);
  if (spanEnd > 0) end = spanEnd;
  const opened = url.indexOf('(');
  while (end > 0) {
    const last = url[end - 1];
    if (last === ')' && opened !== -1 && opened < end) break;
    if (!/[.,:;!?"'*_~|)\]}]/.test(last)) break;
    end -= 1;
  }
  return url.slice(0, end);
}

/** @param {RegExp} sticky @param {string} text @param {number} i */
function matchAt(sticky, text, i) {
  sticky.lastIndex = i;
  return sticky.exec(text);
}
