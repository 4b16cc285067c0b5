// @ts-check
// Draws the tree of markdown_core.js as elements. Text becomes text nodes, addresses were checked when they were read.

import { h } from '../shared/dom.js';
import { exactTime, relativeTime } from '../shared/format.js';
import { parseMarkdown } from './markdown_core.js';

/** @typedef {import('./markdown_core.js').MarkdownNode} MarkdownNode */

/** @type {Record<string, 'strong' | 'em' | 'u' | 's' | 'blockquote'>} */
const TAG_OF = { bold: 'strong', italic: 'em', underline: 'u', strike: 's', quote: 'blockquote' };

/**
 * @param {string} text
 * @returns {Node[]}
 */
export function drawMarkdown(text) {
  return parseMarkdown(text).map(draw);
}

/** @param {MarkdownNode} node @returns {Node} */
function draw(node) {
  switch (node.type) {
    case 'text': return document.createTextNode(node.text);
    case 'code': return h('code', {}, node.text);
    case 'fence': return h('pre', { class: 'fence', tabindex: '0' }, node.language !== '' && h('span', { class: 'language' }, node.language), h('code', {}, node.text));
    case 'link': return outside(node.href, node.children.map(draw));
    case 'mention': return h('span', { class: 'mention', title: node.id }, node.of === 'channel' ? '#channel' : `@${node.of}`);
    case 'time': return drawTime(node.at_ms, node.style);
    case 'heading': return h('span', { class: `md-heading level-${node.level}`, role: 'heading', 'aria-level': 3 + node.level }, node.children.map(draw));
    case 'subtext': return h('span', { class: 'md-subtext' }, node.children.map(draw));
    case 'item': return h('span', { class: 'md-item' }, node.children.map(draw));
    case 'spoiler': return drawSpoiler(node.children.map(draw));
    default: return h(TAG_OF[node.type], {}, node.children.map(draw));
  }
}

/**
 * A link out of the page: it says nothing of us to where it leads, and gets no handle on our window.
 * @param {string} href already checked
 * @param {(Node | string)[]} children
 * @param {string} [className]
 */
export function outside(href, children, className) {
  return h('a', { href, class: className, target: '_blank', rel: 'noopener noreferrer nofollow', title: href }, children);
}

/** @param {number} at_ms @param {string} style */
function drawTime(at_ms, style) {
  const date = new Date(at_ms);
  const shown = style === 'R' ? relativeTime(at_ms, Date.now())
    : style === 't' || style === 'T' ? date.toLocaleTimeString()
      : style === 'd' || style === 'D' ? date.toLocaleDateString() : date.toLocaleString();
  return h('time', { datetime: date.toISOString(), title: exactTime(at_ms), class: 'mention' }, shown);
}

/** @param {Node[]} children */
function drawSpoiler(children) {
  const inside = h('span', { inert: true }, children);
  const spoiler = h('span', { class: 'spoiler', role: 'button', tabindex: '0', 'aria-expanded': 'false', 'aria-label': 'Spoiler, activate to show' }, inside);
  const show = (/** @type {Event} */ event) => {
    if (spoiler.getAttribute('aria-expanded') === 'true') return;
    if (event instanceof KeyboardEvent && event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    spoiler.setAttribute('aria-expanded', 'true');
    for (const name of ['role', 'aria-label', 'tabindex']) spoiler.removeAttribute(name);
    inside.inert = false;
  };
  spoiler.addEventListener('click', show);
  spoiler.addEventListener('keydown', show);
  return spoiler;
}
