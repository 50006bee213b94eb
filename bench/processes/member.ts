// A process: one member that serves downloads, and goes on with those that arrive from the other member.
//
// After each chunk it calls `setState` with where it is, as a file server would: so nothing has to be produced again at the
// destination, and an image carries the output that the client has not acknowledged.

import { once } from 'node:events';
import type { MigratoryConnection } from '@migratory/stack';
import { instructed } from '../children.js';
import { decodeRequest, encodeRequest, REQUEST_LENGTH, sendDownload } from '../download.js';
import { addressOf, openMember, type MemberPlan } from '../service.js';

/** What the member tells of a connection that came to it. */
export interface Arrival {
  readonly kind: 'arrival';
  readonly imageLength: number;
}

async function serve(connection: MigratoryConnection): Promise<void> {
  connection.on('error', () => undefined);
  const restored = connection.getState();
  if (restored.kind === 'migrated') {
    process.send?.({ kind: 'arrival', imageLength: connection.imageLength } satisfies Arrival);
    const state = Buffer.from(restored.state);
    send(connection, decodeRequest(state), decodeRequest(state.subarray(REQUEST_LENGTH)));
    return;
  }
  const [request] = (await once(connection, 'data')) as [Buffer];
  send(connection, 0, decodeRequest(request));
}

function send(connection: MigratoryConnection, offset: number, length: number): void {
  connection.resume();
  sendDownload(connection, offset, length, (reached) => {
    connection.setState(Buffer.concat([encodeRequest(reached), encodeRequest(length)]));
  });
}

const plan = await instructed<MemberPlan>();
const stack = await openMember(plan);
await stack.listen({ port: addressOf(plan).port }, (connection) => void serve(connection).catch(() => undefined));
process.send?.({ kind: 'ready' });
