// The chat: a session goes on in the same room, with nothing said twice and nothing missed.

import test from 'ava';
import { ChatSession } from '@migratory/examples/chat.js';
import { RoomLog, RoomLogInMemory } from '@migratory/examples/room-log.js';
import { Container } from '@migratory/framework';
import { crashEverywhere, migrateEverywhere, type RecordEffect } from '@migratory/framework/testing';

function container(record: RecordEffect): Container {
  const log = new RoomLogInMemory(record);
  const bindings = new Container();
  bindings.bind(RoomLog).toConstantValue(log);
  return bindings;
}

/** More than the connection takes at once: it is on its way for a while. */
const long = 'is there tea? '.repeat(10);

const input = [
  { expect: 'Name? ' },
  { send: 'ann\n' },
  { expect: 'Room? ' },
  { send: 'kitchen\n' },
  { send: `hello\n${long}\nhm\n` },
  { expect: `ann: hello\nann: ${long}\nann: hm\n` },
  { send: 'yes\n' },
  { expect: 'ann: yes\n' },
];

test('moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(ChatSession, { input, container });
  t.true(moves > 100);
});

test('deaths change nothing', async (t) => {
  const { crashes } = await crashEverywhere(ChatSession, { input, container });
  t.true(crashes > 100);
});
