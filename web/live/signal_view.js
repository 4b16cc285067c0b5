// @ts-check
// One signal as an element. Owns no state: the feed draws it again when its entry has changed.

import { h } from '../shared/dom.js';
import { bytes, duration, exactTime, relativeTime } from '../shared/format.js';
import { httpUrl } from '../shared/urls.js';
import { drawMarkdown, outside } from './markdown_view.js';

/**
 * @typedef {import('../protocol').Signal} Signal
 * @typedef {import('../protocol').Embed} Embed
 * @typedef {import('../protocol').Attachment} Attachment
 * @typedef {import('./feed_core.js').Entry} Entry
 */

const FIELDS_MAX = 25;

/**
 * @param {Entry} entry
 * @param {string} channel_name
 * @param {number} now_ms
 * @returns {HTMLLIElement}
 */
export function drawSignal(entry, channel_name, now_ms) {
  const { signal } = entry;
  const content = signal.deleted ? drawDeleted(signal) : drawContent(signal);
  return h('li', { class: signal.deleted ? 'signal deleted' : 'signal', tabindex: '-1', 'data-id': signal.signal_id }, drawHead(entry, channel_name, now_ms), content);
}

/**
 * The name a signal goes under.
 * @param {Signal} signal
 */
export function authorName(signal) {
  return signal.author?.global_name || signal.author?.username || (signal.author ? `user ${signal.author.user_id}` : 'unknown author');
}

/** @param {Entry} entry @param {string} channel_name @param {number} now_ms */
function drawHead({ signal, late, latency_ms }, channel_name, now_ms) {
  const edited_at_ms = signal.edited_at_ms;
  return h('div', { class: 'signal-head' },
    h('span', { class: 'author', title: signal.author?.username }, authorName(signal)),
    h('button', { class: 'where', type: 'button', 'data-channel': signal.channel_id, title: 'Show only this channel' }, `#${channel_name}`),
    drawTime(signal.created_at_ms, now_ms),
    edited_at_ms !== undefined && h('span', { class: 'mark', title: `edited ${exactTime(edited_at_ms)}` }, 'edited'),
    late && h('span', { class: 'mark late', title: 'Something newer of this channel was delivered before' }, 'late'),
    signal.deleted && h('span', { class: 'mark gone' }, 'deleted'),
    h('span', { class: 'push' }),
    latency_ms !== null && h('span', { class: 'took', title: 'From the router accepting it to this screen' }, duration(latency_ms)));
}

/** @param {number} at_ms @param {number} now_ms */
function drawTime(at_ms, now_ms) {
  return h('time', { datetime: new Date(at_ms).toISOString(), title: exactTime(at_ms), 'data-at': at_ms }, relativeTime(at_ms, now_ms));
}

/** @param {Signal} signal */
function drawDeleted(signal) {
  const hasContent = signal.text !== '' || signal.embeds.length > 0 || signal.attachments.length > 0;
  if (!hasContent) return h('p', { class: 'muted' }, 'This signal was deleted.');
  return h('details', {}, h('summary', {}, 'Show what it said'), drawContent(signal));
}

/** @param {Signal} signal */
function drawContent(signal) {
  return [
    signal.text !== '' && h('div', { class: 'body' }, drawMarkdown(signal.text)),
    ...signal.embeds.map(drawEmbed),
    signal.attachments.length > 0 && h('div', { class: 'pictures' }, signal.attachments.map(drawAttachment)),
  ].filter((part) => part !== false);
}

/** @param {Embed} embed */
function drawEmbed(embed) {
  const url = httpUrl(embed.url);
  const author_url = httpUrl(embed.author_url);
  const image = httpUrl(embed.image_url);
  const thumbnail = httpUrl(embed.thumbnail_url);
  const fields = (embed.fields ?? []).slice(0, FIELDS_MAX);
  const element = h('div', { class: thumbnail ? 'embed with-thumbnail' : 'embed' },
    embed.author_name && h('div', { class: 'by' }, author_url ? outside(author_url, [embed.author_name]) : embed.author_name),
    embed.title && h('div', { class: 'title' }, url ? outside(url, [embed.title]) : drawMarkdown(embed.title)),
    embed.description && h('div', { class: 'description' }, drawMarkdown(embed.description)),
    fields.length > 0 && h('dl', { class: 'fields' }, fields.map((field) => h('div', { class: field.inline ? 'field inline' : 'field' },
      h('dt', {}, drawMarkdown(field.name)), h('dd', { class: 'value' }, drawMarkdown(field.value))))),
    image && drawPicture(image, embed.title ?? 'embedded picture'),
    thumbnail && h('div', { class: 'thumbnail' }, drawPicture(thumbnail, '')),
    drawFoot(embed));
  // Set through the object model: the policy of the page forbids style attributes in markup, and this is a number.
  if (typeof embed.color === 'number') element.style.setProperty('--embed-colour', `#${(embed.color & 0xffffff).toString(16).padStart(6, '0')}`);
  return element;
}

/** @param {Embed} embed */
function drawFoot(embed) {
  const at_ms = embed.timestamp === undefined ? NaN : Date.parse(embed.timestamp);
  const time = Number.isNaN(at_ms) ? null : h('time', { datetime: new Date(at_ms).toISOString(), title: exactTime(at_ms) }, new Date(at_ms).toLocaleString());
  if (!embed.footer && time === null) return null;
  return h('div', { class: 'foot' }, embed.footer, embed.footer && time && ' · ', time);
}

/** @param {Attachment} attachment */
function drawAttachment(attachment) {
  const url = httpUrl(attachment.url);
  if (url === null) return h('span', { class: 'file muted' }, `${attachment.filename} (no usable address)`);
  if ((attachment.content_type ?? '').startsWith('image/') && attachment.content_type !== 'image/svg+xml') return drawPicture(url, attachment.filename);
  return drawFile(url, attachment.filename, attachment.size);
}

/** @param {string} url @param {string} name @param {number | null} size_bytes */
function drawFile(url, name, size_bytes) {
  const link = outside(url, [name], 'file');
  if (size_bytes !== null) link.append(h('span', { class: 'muted' }, bytes(size_bytes)));
  return link;
}

/**
 * A picture that is fetched when it comes near the screen; one that cannot be fetched becomes a plain link.
 * @param {string} url
 * @param {string} alt
 */
function drawPicture(url, alt) {
  const image = h('img', { alt, loading: 'lazy', decoding: 'async', referrerpolicy: 'no-referrer' });
  const link = outside(url, [image], 'picture');
  image.addEventListener('error', () => link.replaceWith(drawFile(url, alt === '' ? 'picture' : `${alt} (picture could not be loaded)`, null)));
  image.src = url;
  return link;
}
