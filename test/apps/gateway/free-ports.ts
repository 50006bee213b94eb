// Ports of the loopback interface on which nobody listens now, each pair one for UDP and one for TCP.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** All are held until all are known, so that no two are the same. */
export async function freePorts(count: number): Promise<{ readonly udp: number; readonly tcp: number }[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const datagrams = createSocket('udp4').bind(0, '127.0.0.1');
      const server = createServer().listen(0, '127.0.0.1');
      await Promise.all([once(datagrams, 'listening'), once(server, 'listening')]);
      return { datagrams, server };
    }),
  );
  return holders.map(({ datagrams, server }) => {
    const ports = { udp: datagrams.address().port, tcp: (server.address() as AddressInfo).port };
    datagrams.close();
    server.close();
    return ports;
  });
}
