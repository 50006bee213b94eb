// A small question and its answer: how long a client on the kernel's TCP waits, one question at a time.

import { measurement, type Conduct, type Measurement } from '../measurement.js';
import { summarise } from '../statistics.js';
import type { ClientOrder } from '../processes/raw-client.js';
import { alternate } from './alternate.js';
import { SERVICE_PORTS } from './protocol.js';
import { IP_OF, World } from './world.js';

const QUESTION_COUNT = 5_000;
const QUESTION_LENGTH = 64;

/** Each observation is the median of a run. */
export function measureRoundTrip({ runCount }: Conduct): Promise<readonly Measurement[]> {
  return World.with(async (world) => {
    await world.server('kernel');
    await world.server('tun');
    const client = await world.rawClient();
    const medians = await alternate(runCount, ['tun', 'kernel'], async (side) => {
      const server = { ip: IP_OF[side], port: SERVICE_PORTS.echo };
      const order = { kind: 'round-trips', ...server, count: QUESTION_COUNT, length: QUESTION_LENGTH } as const;
      return summarise(await client.ask<number[]>(order satisfies ClientOrder)).median;
    });
    return [
      measurement('round trip of 64 B, our stack through TUN', 'µs', medians.tun),
      measurement('round trip of 64 B, node:net over veth', 'µs', medians.kernel),
    ];
  });
}
