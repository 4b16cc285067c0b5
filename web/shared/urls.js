// @ts-check
// Which addresses out of foreign text may become a link or an image: http and https, nothing else.

const URL_LENGTH_MAX = 4096;

/**
 * The normalised address, or null when it is not a plain http(s) URL. User and password parts are refused:
 * their only use in a signal would be to make one host look like another.
 * @param {unknown} text
 * @returns {string | null}
 */
export function httpUrl(text) {
  if (typeof text !== 'string' || text.length > URL_LENGTH_MAX || !/^https?:\/\//i.test(text)) return null;
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.password !== '') return null;
  return url.href;
}
