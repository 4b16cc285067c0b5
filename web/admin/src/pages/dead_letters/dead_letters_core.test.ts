// Words for what could not be delivered, and rounds of putting back.

import { expect, test } from 'vitest';
import type { Payload } from '../../api/types';
import { keyOf, keys, payloadAuthor, payloadText, untilDone, wanted } from './dead_letters_core';

const PAYLOAD: Payload = { text: '', embeds: [], attachments: [], deleted: false };

test('what the signal reads', () => {
  const table: [Payload | null, string][] = [
    [null, 'The signal’s row cannot be read.'], [{ ...PAYLOAD, deleted: true, text: 'x' }, 'The signal was deleted.'], [{ ...PAYLOAD, text: 'BTC' }, 'BTC'],
    [{ ...PAYLOAD, text: ' ', embeds: [{}, { description: 'd' }] }, 'Embed: d'], [{ ...PAYLOAD, attachments: [{ filename: 'a.png' }] }, 'File: a.png'], [PAYLOAD, 'Nothing to show.'],
  ];
  for (const [payload, text] of table) expect(payloadText(payload)).toBe(text);
  expect([payloadAuthor(null), payloadAuthor({ ...PAYLOAD, author: { username: 'kim' } }), payloadAuthor({ ...PAYLOAD, author: { username: 'kim', global_name: 'Kim' } })]).toEqual([null, 'kim', 'Kim']);
  expect([wanted({ desired_revision: 1, delivered_revision: 0, payload: PAYLOAD }), wanted({ desired_revision: 3, delivered_revision: 1, payload: PAYLOAD })]).toEqual(['to be posted', 'revision 3 to be shown; 1 stands']);
});

test('only chosen rows are named', () => {
  const rows = [{ signal_id: '1', target_channel_id: '2', attempts: 3 }, { signal_id: '1', target_channel_id: '3', attempts: 3 }];
  expect(keys(rows, new Set([keyOf(rows[1] as (typeof rows)[0])]))).toEqual([{ signal_id: '1', target_channel_id: '3' }]);
});

test('it is asked again while there is more', async () => {
  const answers = [{ done: 1000, more: true }, { done: 1000, more: true }, { done: 7, more: false }];
  expect(await untilDone(async () => answers.shift() ?? { done: 0, more: false })).toEqual({ done: 2007, more: false });
  expect(await untilDone(async () => ({ done: 1, more: true }), 3)).toEqual({ done: 3, more: true });
  await expect(untilDone(async () => { throw new Error('no'); })).rejects.toThrow('no');
});
