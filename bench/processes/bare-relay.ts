// A process: passes the bytes of TCP connections on to another port of this machine, and knows nothing of them. What two of
// these in a row leave of a rate is what Node and the kernel allow whatever stands in the place of a gateway and a front-end.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { LOOPBACK } from '@migratory/framework/local-service';

const target = Number(process.argv[2]);
const server = createServer({ noDelay: true }, (client) => {
  const onward = connect({ host: LOOPBACK, port: target, noDelay: true });
  client.on('error', () => onward.destroy());
  onward.on('error', () => client.destroy());
  client.pipe(onward).pipe(client);
});
server.listen(0, LOOPBACK);
await once(server, 'listening');
process.stdout.write(`${JSON.stringify({ event: 'ready', port: (server.address() as AddressInfo).port })}\n`);
