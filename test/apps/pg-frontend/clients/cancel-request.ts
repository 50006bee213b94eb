// A CancelRequest, as libpq sends it: on a connection of its own, which the server closes without an answer.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Place } from './suite.js';

const LENGTH = 16;
const CANCEL_CODE = 80_877_102;

export interface CancelKey {
  readonly processId: number;
  readonly secretKey: number;
}

/** Resolves when the server has closed the connection. */
export async function requestCancel({ host, port }: Place, { processId, secretKey }: CancelKey): Promise<void> {
  const request = Buffer.alloc(LENGTH);
  request.writeInt32BE(LENGTH, 0);
  request.writeInt32BE(CANCEL_CODE, 4);
  request.writeInt32BE(processId | 0, 8);
  request.writeInt32BE(secretKey | 0, 12);
  const socket = connect({ host, port });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(request);
  socket.resume();
  await closed;
}
