// What a lossy path carries: our TCP in the simulated world, beside the kernel's CUBIC through the same rate, delay, queue and
// loss, which a process between two namespaces makes, since many kernels are built without netem.

import { Transfer } from '@migratory/test/internal/goodput/path.js';
import { measurement, type Conduct, type Measurement } from '../measurement.js';
import type { LinkConditions, LinkOrder } from '../processes/lossy-link.js';
import type { ServerOrder } from '../processes/tcp-server.js';
import type { Order } from './protocol.js';
import { system, useCubic, World } from './world.js';

const RATE_MBIT_PER_SECOND = 100;
const ROUND_TRIPS_MS = [10, 50];
const LOSS_PERCENTS = [0.1, 1, 3];
const TRANSFER_MS = 6_000;
const DEVICES: LinkOrder = { sender: 'bench3', receiver: 'bench4' };
const SENDER_IP = '10.92.0.1';
const RECEIVER_IP = '10.92.0.2';

export function measureGoodput({ runCount }: Conduct): Promise<readonly Measurement[]> {
  return World.with(async (world) => {
    const link = await world.start('lossy-link', DEVICES);
    setUp(world);
    await world.start('tcp-server', { kind: 'kernel', ip: SENDER_IP } satisfies ServerOrder);
    const client = await world.start<unknown>('tcp-client', {}, world.inClientSpace);
    const measurements: Measurement[] = [];
    for (const conditions of allConditions()) {
      await link.ask(conditions);
      const kernel: number[] = [];
      const order = {
        host: SENDER_IP,
        direction: 'send',
        length: Number.MAX_SAFE_INTEGER,
        limitMs: TRANSFER_MS,
      } as const;
      for (let run = 0; run < runCount; run++) kernel.push(1000 * (await client.ask<number>(order satisfies Order)));
      const name = `${conditions.roundTripMs} ms, ${conditions.lossPercent} % lost`;
      measurements.push(
        measurement(`goodput, ${name}, ours simulated`, 'Mbit/s', simulated(conditions, runCount)),
        measurement(`goodput, ${name}, kernel's CUBIC`, 'Mbit/s', kernel),
      );
    }
    return measurements;
  });
}

function allConditions(): LinkConditions[] {
  return ROUND_TRIPS_MS.flatMap((roundTripMs) =>
    LOSS_PERCENTS.map((lossPercent) => ({ roundTripMs, lossPercent, rateMbitPerSecond: RATE_MBIT_PER_SECOND })),
  );
}

/** One seed each; the default algorithms. */
function simulated(conditions: LinkConditions, runCount: number): number[] {
  const manner = { congestionControl: 'cubic', selectiveAcknowledgments: true } as const;
  return Array.from(
    { length: runCount },
    (_, seed) => new Transfer(conditions, manner, seed + 1).run(TRANSFER_MS).goodputMbitPerSecond,
  );
}

/** The receiver's device moves to the client's machine; neither carries more than a segment at once. */
function setUp({ inClientSpace, clientSpace }: World): void {
  system('ip', 'link', 'set', DEVICES.receiver, 'netns', clientSpace);
  const ends = [
    { at: [], device: DEVICES.sender, own: SENDER_IP, peer: RECEIVER_IP },
    { at: inClientSpace, device: DEVICES.receiver, own: RECEIVER_IP, peer: SENDER_IP },
  ];
  for (const { at, device, own, peer } of ends) {
    const ip = (...args: string[]): void => system(...([...at, 'ip', ...args] as [string, ...string[]]));
    ip('address', 'add', own, 'peer', peer, 'dev', device);
    ip('link', 'set', device, 'gso_max_segs', '1', 'txqueuelen', '10000', 'up');
    useCubic(at, device, peer, own);
  }
}
