// Two connected sockets, made by node:net over loopback or by the stack in memory: what a user of either has in hand.
//
// The contract suite runs its bodies on both, so that it says of ours only what is true of the original.

import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { MigratoryConnection } from '@migratory/stack';
import { memberAddress, SERVICE_PORT, StackWorld } from './stack-world.js';

/** What both kinds have. */
export type ContractSocket = Duplex & { resetAndDestroy(): unknown };

export interface ContractPair {
  readonly client: ContractSocket;
  readonly server: ContractSocket;
}

export interface SocketKind {
  readonly name: string;
  /** Runs `body` with a pair that is open; both ends allow half-open connections. */
  run(body: (pair: ContractPair) => Promise<void>): Promise<void>;
  /** Runs `body` with a client that has just begun to connect, and the promise of its other end. */
  runConnecting(body: (client: ContractSocket, accepted: Promise<ContractSocket>) => Promise<void>): Promise<void>;
  /** Runs `body` with a client that connects to where nobody listens. */
  runRefused(body: (client: ContractSocket) => Promise<void>): Promise<void>;
}

async function withNetServer(body: (address: AddressInfo, accepted: Promise<Socket>) => Promise<void>): Promise<void> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await body(server.address() as AddressInfo, accepted);
  } finally {
    server.close();
  }
}

const nodeNet: SocketKind = {
  name: 'node:net',
  runConnecting: (body) =>
    withNetServer(async ({ port }, accepted) => {
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      await body(client, accepted);
      client.destroy();
    }),
  run: (body) =>
    withNetServer(async ({ port }, accepted) => {
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const [server] = await Promise.all([accepted, once(client, 'connect')]);
      await body({ client, server });
      client.destroy();
      server.destroy();
    }),
  runRefused: async (body) => {
    let port = 0;
    await withNetServer((address) => {
      port = address.port;
      return Promise.resolve();
    });
    await body(connect({ port, host: '127.0.0.1' }));
  },
};

function inMemory(name: string, listen: { readonly migratable: boolean }): SocketKind {
  const withWorld = (body: (world: StackWorld, accepted: Promise<MigratoryConnection>) => Promise<void>) => {
    const world = new StackWorld({ memberCount: 1 });
    const accepted = new Promise<MigratoryConnection>((resolve) => {
      void world.member(1).listen({ port: SERVICE_PORT, ...listen }, resolve);
    });
    return world.play(body(world, accepted));
  };
  return {
    name,
    run: (body) =>
      withWorld(async (world, accepted) => {
        const client = world.host().connect({ address: memberAddress(1) });
        const [server] = await Promise.all([accepted, once(client, listen.migratable ? 'migratable' : 'connect')]);
        await body({ client, server });
      }),
    runConnecting: (body) =>
      withWorld((world, accepted) => body(world.host().connect({ address: memberAddress(1) }), accepted)),
    runRefused: (body) => {
      const world = new StackWorld({ memberCount: 1 });
      const closed = world.member(1).listen({ port: SERVICE_PORT }, () => undefined);
      return world.play(
        closed
          .then((listener) => listener.close())
          .then(() => body(world.host().connect({ address: memberAddress(1) }))),
      );
    },
  };
}

export const SOCKET_KINDS: readonly SocketKind[] = [
  nodeNet,
  inMemory('migratory', { migratable: true }),
  inMemory('plain', { migratable: false }),
];
