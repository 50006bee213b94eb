// A relay: the users of two connections that are joined see one connection, over node:net and over ours.

import { once } from 'node:events';
import test from 'ava';
import { relay, type MigratoryConnection } from '@migratory/stack';
import { pattern, readAll } from '../../support/bytes.js';
import { SOCKET_KINDS, type ContractSocket } from '../../support/duplex-pairs.js';
import { memberAddress, SERVICE_PORT, StackWorld } from '../../support/stack-world.js';

/** The outer ends of two connections whose inner ends are joined. */
type Body = (left: ContractSocket, right: ContractSocket) => Promise<void>;

function join(a: ContractSocket, b: ContractSocket): void {
  for (const end of [a, b]) end.on('error', () => undefined);
  relay(a, b);
}

async function overNodeNet(body: Body): Promise<void> {
  const [nodeNet] = SOCKET_KINDS;
  await nodeNet?.run((one) =>
    nodeNet.run(async (other) => {
      join(one.server, other.client);
      await body(one.client, other.server);
    }),
  );
}

/** Both in one world: a world of its own would stand still while the other one moves. */
function overOurs(body: Body): Promise<void> {
  const world = new StackWorld({ memberCount: 1 });
  const open = async (): Promise<{ client: MigratoryConnection; server: MigratoryConnection }> => {
    const client = world.host().connect({ address: memberAddress(1) });
    const [server] = await Promise.all([accepted.shift(), once(client, 'connect')]);
    if (server === undefined) throw new Error('There are two connections.');
    return { client, server };
  };
  const accept: ((connection: MigratoryConnection) => void)[] = [];
  const accepted = [0, 1].map(() => new Promise<MigratoryConnection>((resolve) => accept.push(resolve)));
  return world.play(
    (async () => {
      await world.member(1).listen({ port: SERVICE_PORT }, (connection) => accept.shift()?.(connection));
      const [one, other] = [await open(), await open()];
      join(one.server, other.client);
      await body(one.client, other.server);
    })(),
  );
}

for (const [name, joined] of [
  ['node:net', overNodeNet],
  ['migratory', overOurs],
] as const) {
  test(`${name}: bytes go both ways, and one direction goes on when the other has ended`, async (t) => {
    await joined(async (left, right) => {
      left.end(pattern(300_000));
      t.true((await readAll(right)).equals(pattern(300_000)));
      right.end(pattern(200_000));
      t.true((await readAll(left)).equals(pattern(200_000)));
    });
  });

  for (const side of ['left', 'right'] as const) {
    test(`${name}: a reset of the ${side} end resets the other one`, async (t) => {
      await joined(async (left, right) => {
        left.write('x');
        await once(right, 'readable');
        const [resetting, other] = side === 'left' ? [left, right] : [right, left];
        const failed = once(other, 'error');
        resetting.resetAndDestroy();
        const [error] = (await failed) as [NodeJS.ErrnoException];
        t.is(error.code, 'ECONNRESET');
      });
    });
  }
}
