// Live connections that move between file servers on devices: our own client's, and that of the kernel's curl, whose front
// is on a device as well.

import { buffer } from 'node:stream/consumers';
import { relay } from '@migratory/stack';
import { pattern, readExactly } from '../support/bytes.js';
import { ClientMachine } from '../support/kernel-network.js';
import { startFileMembers } from './file-members.js';
import { connectTo, MOVER_IPS, openMover } from './mover.js';
import { onKernel } from './on-kernel.js';
import { Progress } from './progress.js';

const CONTENT = pattern(24 * 1024 * 1024, 8);
const PART_LENGTH = 5 * 1024 * 1024;
const CLIENT_NUMBER = 201;
const MOVES = [2, 1, 2];

for (const family of [4, 6] as const) {
  const version = `IPv${family}`;

  onKernel(`${version}: a download moves there and back in its middle, all ends on devices`, async (t) => {
    const service = await startFileMembers(t, { count: 2, family, content: CONTENT });
    const connection = connectTo(await openMover(t), service);
    connection.end('GET /large HTTP/1.1\r\nHost: files\r\n\r\n');
    const parts: Buffer[] = [];
    for (const member of MOVES) {
      parts.push(await readExactly(connection, PART_LENGTH));
      const { kind } = await connection.requestMove(member);
      t.is(kind, 'moved');
      t.is(connection.member, member);
      t.true(connection.remoteAddress.ip === service.addresses[member - 1]?.ip);
    }
    parts.push(await buffer(connection));
    const answer = Buffer.concat(parts);
    t.true(answer.subarray(answer.indexOf('\r\n\r\n') + 4).equals(CONTENT));
  });

  onKernel(
    `${version}: curl's connection ends on a device, and moves behind it in the middle of the body`,
    async (t) => {
      const service = await startFileMembers(t, { count: 2, family, content: CONTENT });
      const stack = await openMover(t);
      const progress = new Progress();
      const moved: string[] = [];
      await stack.listen({ port: 8080, migratable: false }, (front) => {
        front.on('error', () => undefined);
        const back = connectTo(stack, service);
        back.on('error', () => undefined);
        back.on('data', (chunk: Buffer) => progress.add(chunk.length));
        back.once('migratable', () => {
          for (const [index, member] of MOVES.entries()) {
            void progress.reaching((index + 1) * PART_LENGTH).then(async () => {
              const { kind } = await back.requestMove(member);
              moved.push(`${kind} to ${back.member ?? 'nobody'}`);
            });
          }
        });
        relay(front, back);
      });
      const client = new ClientMachine(CLIENT_NUMBER);
      t.teardown(() => client.remove());
      const host = family === 4 ? MOVER_IPS[4] : `[${MOVER_IPS[6]}]`;
      const body = await client.run('curl', '-sS', '--max-time', '60', `http://${host}:8080/large`);
      t.true(body.equals(CONTENT));
      t.deepEqual(
        moved,
        MOVES.map((member) => `moved to ${member}`),
      );
    },
  );
}
