// A process: a service that answers each line, written by hand on the stack's face.
//
// As the framework's: the state is a count, and the restart point moves up behind each answer.

import type { MigratoryConnection } from '@migratory/stack';
import { instructed } from '../children.js';
import { addressOf, openMember, type MemberPlan } from '../service.js';

const NEWLINE = 0x0a;
const MAX_LENGTH = 64;

function serve(connection: MigratoryConnection): void {
  const restored = connection.getState();
  let count = restored.kind === 'migrated' ? Number(Buffer.from(restored.state).toString()) : 0;
  connection.on('error', () => undefined);
  connection.on('readable', () => {
    for (let bytes = connection.read() as Buffer | null; bytes !== null; bytes = connection.read() as Buffer | null) {
      const end = bytes.indexOf(NEWLINE);
      if (end < 0) {
        if (bytes.length > MAX_LENGTH) connection.destroy(new Error('the line is too long'));
        else connection.unshift(bytes);
        return;
      }
      if (end + 1 < bytes.length) connection.unshift(bytes.subarray(end + 1));
      const number = bytes.subarray(0, end).toString();
      count++;
      connection.write(`${number} twice is ${2 * Number(number)}\n`);
      connection.setState(Buffer.from(String(count)));
    }
  });
  connection.on('end', () => connection.end());
}

const plan = await instructed<MemberPlan>();
const stack = await openMember(plan);
await stack.listen({ port: addressOf(plan).port }, serve);
process.send?.({ kind: 'ready' });
