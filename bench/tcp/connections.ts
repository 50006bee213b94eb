// How many connections a server takes and closes in a second, all in good order; the client closes first.

import { measurement, type Conduct, type Measurement } from '../measurement.js';
import type { ClientOrder } from '../processes/raw-client.js';
import { alternate, ratios } from './alternate.js';
import { SERVICE_PORTS } from './protocol.js';
import { IP_OF, World } from './world.js';

const RUN_MS = 3_000;
/** Open at once; fewer than a device's queue has packets. */
const CONCURRENT_COUNT = 128;
const AIMED_RATE = 8_000;

export function measureConnections({ runCount }: Conduct): Promise<readonly Measurement[]> {
  return World.with(async (world) => {
    await world.server('kernel');
    await world.server('tun');
    const client = await world.rawClient();
    const rates = await alternate(runCount, ['tun', 'kernel'], async (side) => {
      const server = { ip: IP_OF[side], port: SERVICE_PORTS.closing };
      const order = { kind: 'open-and-close', ...server, concurrentCount: CONCURRENT_COUNT, ms: RUN_MS } as const;
      return (await client.ask<number>(order satisfies ClientOrder)) / (RUN_MS / 1000);
    });
    const aim = { kind: 'at-least', value: AIMED_RATE, of: 'median' } as const;
    return [
      measurement('connections opened and closed, our stack through TUN', '/s', rates.tun, aim),
      measurement('connections opened and closed, node:net over veth', '/s', rates.kernel),
      measurement("connections, ours to node:net's", 'ratio', ratios(rates.tun, rates.kernel)),
    ];
  });
}
