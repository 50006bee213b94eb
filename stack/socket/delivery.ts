// What becomes of a connection that its user has closed: what was written is still delivered, for a limited time, and what
// comes meanwhile is taken in and dropped, so that the peer can finish.

import type { HostConnection } from '../host/host-connection.js';
import type { ConnectionStack } from './connection-stack.js';

/** From now on nobody else hears of the connection. It is reset where the stack's time for it is over. */
export function deliverTheRest(stack: ConnectionStack, connection: HostConnection): void {
  const { host } = stack;
  const timer = stack.linger(() => {
    stack.run((now) => host.abort(now, connection));
  });
  connection.onEvent = (event) => {
    if (event.kind === 'closed' || event.kind === 'departed') timer.cancel();
    else if (event.kind === 'readable') discardInput(stack, connection);
    else if (event.kind === 'diverged') stack.run((now) => host.abort(now, connection));
  };
  stack.run((now) => host.end(now, connection));
  discardInput(stack, connection);
}

function discardInput(stack: ConnectionStack, connection: HostConnection): void {
  const { host } = stack;
  while (host.read(connection) !== undefined);
  stack.run((now) => host.drain(now, connection));
}
