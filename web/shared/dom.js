// @ts-check
// Builds elements from data. Foreign text only ever becomes a text node or an attribute value from a fixed list;
// nothing here parses markup, so nothing in a signal can become an element.

import { httpUrl } from './urls.js';

/** @typedef {Node | string | number | null | undefined | false} Child */

const SVG = 'http://www.w3.org/2000/svg';
const ADDRESS = new Set(['href', 'src']);

/**
 * An element with attributes, listeners (`onclick: fn`) and children. `null`, `undefined` and `false` leave an attribute
 * or a child out; `true` sets an empty attribute. Throws on an address that is neither http(s) nor a path of our own.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, any>} attributes
 * @param {(Child | Child[])[]} children
 * @returns {E}
 */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) {
      if (typeof value !== 'function') throw new TypeError(`${name} must be a function`);
      element.addEventListener(name.slice(2), value);
    } else if (name === 'style' || name === 'srcdoc') {
      throw new TypeError(`${name} is not allowed`);
    } else {
      if (ADDRESS.has(name) && !isAllowedAddress(String(value))) throw new TypeError(`${name} is not an allowed address`);
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.flat().filter(isShown).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** @param {Child} child @returns {child is Node | string | number} */
function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {string} address */
function isAllowedAddress(address) {
  return httpUrl(address) !== null || /^\/(?!\/)/.test(address) || address.startsWith('#');
}

/**
 * The element of the page with this id; a page without it is a fault of ours, so it throws.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @returns {E}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element #${id}`);
  return /** @type {E} */ (element);
}

/**
 * Sets the text only when it differs, so that selections and live regions are left in peace.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
