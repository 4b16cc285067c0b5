// The tree of channels.

import { expect, test } from 'vitest';
import type { GuildTree, TreeChannel, TreeThread } from '../../api/types';
import { choosable, membersOf, rowsOf, type TreeChoice, type TreeRow } from './tree_core';

const channel = (id: string, kind: number, parent_id: string | null = null, more: Partial<TreeChannel> = {}): TreeChannel => ({ channel_id: id, name: id, kind, parent_id, position: 0, seen_at_ms: 0, gone_at_ms: null, mappings: 0, ...more });
const thread = (id: string, parent: string): TreeThread => ({ thread_id: id, parent_channel_id: parent, name: `thread ${id}`, archived: false, locked: false, message_count: null });
const tree: GuildTree = {
  guild: { guild_id: 'g', name: 'g', seen_at_ms: 0, gone_at_ms: null }, threads_are_more: false,
  channels: [channel('top', 0), channel('calls', 4), channel('btc', 0, 'calls'), channel('forum', 15, 'calls'), channel('lost', 0, 'unknown'), channel('empty', 4)],
  threads: [thread('t1', 'forum'), thread('t2', 'forum')],
};
const choice = (more: Partial<TreeChoice> = {}): TreeChoice => ({ needle: '', wants: () => true, toggled: new Set(), ...more });
const shape = (rows: TreeRow[]) => rows.map((row) => (row.type === 'category' ? `${row.key}(${row.members})${row.is_open ? '-' : '+'}` : row.type === 'thread' ? `  ~${row.key}` : `${'  '.repeat(row.depth)}${row.key}`));

test('uncategorised first, a lost parent does not hide a channel, threads open by hand', () => {
  expect(shape(rowsOf(tree, choice()))).toEqual(['top', 'lost', 'calls(2)-', '  btc', '  forum', 'empty(0)-']);
  expect(shape(rowsOf(tree, choice({ toggled: new Set(['calls', 'forum']) })))).toEqual(['top', 'lost', 'calls(2)+', 'empty(0)-']);
  expect(shape(rowsOf(tree, choice({ toggled: new Set(['forum']) })))).toEqual(['top', 'lost', 'calls(2)-', '  btc', '  forum', '  ~t1', '  ~t2', 'empty(0)-']);
});

test('a search opens what it finds, finds threads and whole categories, and takes ids', () => {
  expect(shape(rowsOf(tree, choice({ needle: 'bt', toggled: new Set(['calls']) })))).toEqual(['calls(1)-', '  btc']);
  expect(shape(rowsOf(tree, choice({ needle: 't2' })))).toEqual(['calls(1)-', '  forum', '  ~t2']);
  expect(shape(rowsOf(tree, choice({ needle: 'calls' })))).toEqual(['calls(2)-', '  btc', '  forum']);
  expect(shape(rowsOf(tree, choice({ needle: 'empty' })))).toEqual(['empty(0)-']);
  expect(rowsOf(tree, choice({ needle: 'nothing' }))).toEqual([]);
});

test('what is not wanted is left out, and a category with nothing in it then', () => {
  expect(shape(rowsOf(tree, choice({ wants: (one) => one.channel_id === 'btc' })))).toEqual(['calls(1)-', '  btc']);
});

test('only channels are chosen', () => {
  expect(choosable(rowsOf(tree, choice({ toggled: new Set(['forum']) })))).toEqual(['top', 'lost', 'btc', 'forum']);
  expect(membersOf(tree, 'calls', (one) => one.kind === 0)).toEqual(['btc']);
});
