// `npm run test:kernel -- --long`: two gibibytes each way, past a sequence wrap, every byte in a hash.

import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import type { MigratoryConnection } from '@migratory/stack';
import { pattern } from '../support/bytes.js';
import { onKernel } from './on-kernel.js';
import { STACK_IP, URLS } from './tun-world.js';
import { CLIENT_FROM_NUMBER, openWrappingWorld } from './wrapping-world.js';

const GIB = 2 ** 30;
const LENGTH = 2 * GIB;
const BEFORE_WRAP = GIB;
const BLOCK_LENGTH = 1024 * 1024;

const PATIENCE_MS = 900_000;

/** Sends so many bytes, and prints their hash. No two blocks are the same. */
const SEND_LONG = `${CLIENT_FROM_NUMBER}
length, block_length = int(sys.argv[3]), int(sys.argv[4])
digest, block = hashlib.sha256(), bytearray(os.urandom(block_length))
for number in range(length // block_length):
    block[:8] = struct.pack('>Q', number)
    digest.update(block)
    client.sendall(block)
client.shutdown(socket.SHUT_WR)
while client.recv(65536): pass
print(digest.hexdigest())
`;

async function sendLong(connection: MigratoryConnection, hash: Hash): Promise<void> {
  connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LENGTH}\r\n\r\n`);
  for (let number = 0; number < LENGTH / BLOCK_LENGTH; number++) {
    const block = pattern(BLOCK_LENGTH, number);
    hash.update(block);
    if (!connection.write(block)) await once(connection, 'drain');
  }
  connection.end();
}

async function receiveLong(connection: MigratoryConnection, hash: Hash): Promise<void> {
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) hash.update(chunk as Buffer);
  connection.end();
}

onKernel('2 GiB to the client, past a sequence wrap', async (t) => {
  t.timeout(PATIENCE_MS);
  const hash = createHash('sha256');
  const world = await openWrappingWorld(4, BEFORE_WRAP, (connection) => {
    connection.resume();
    void sendLong(connection, hash);
  });
  t.teardown(() => world.close());
  const curl = `curl -sS --max-time ${PATIENCE_MS / 1000} ${world.flags.join(' ')} ${URLS.IPv4} | sha256sum`;
  const { output } = await world.client.feed(Buffer.alloc(0), 'sh', '-c', curl);
  t.is(output.toString().split(' ')[0], hash.digest('hex'));
  t.true(world.sent.hasWrapped);
});

onKernel('2 GiB from the client, past a sequence wrap', async (t) => {
  t.timeout(PATIENCE_MS);
  const hash = createHash('sha256');
  const world = await openWrappingWorld(4, BEFORE_WRAP, (connection) => void receiveLong(connection, hash));
  t.teardown(() => world.close());
  const numbers = [2 ** 32 - BEFORE_WRAP, LENGTH, BLOCK_LENGTH].map(String);
  const { output } = await world.client.feed(Buffer.alloc(0), 'python3', '-c', SEND_LONG, STACK_IP, ...numbers);
  t.is(output.toString().trim(), hash.digest('hex'));
  t.true(world.received.hasWrapped);
});
