// How fast one connection carries bulk between our stack and a kernel's TCP, through a TUN device, beside what two kernels do
// over a veth pair. Runs alternate, so that whatever else the machine does touches both alike.

import { measurement, type Conduct, type Measurement } from '../measurement.js';
import { alternate, ratios } from './alternate.js';
import type { Direction, Order } from './protocol.js';
import { IP_OF, World } from './world.js';

const TRANSFER_LENGTH = 1024 * 1024 * 1024;
const AIMED_RATIO: Readonly<Record<Direction, number>> = { send: 0.8, receive: 0.4 };

export function measureBulkSend(conduct: Conduct): Promise<readonly Measurement[]> {
  return measure('send', conduct);
}

export function measureBulkReceive(conduct: Conduct): Promise<readonly Measurement[]> {
  return measure('receive', conduct);
}

/** `direction` is the server's. */
function measure(direction: Direction, { runCount }: Conduct): Promise<readonly Measurement[]> {
  return World.with(async (world) => {
    await world.server('kernel');
    await world.server('tun');
    const client = await world.start('tcp-client', {}, world.inClientSpace);
    const rates = await alternate(runCount, ['tun', 'kernel'], (side) =>
      client.ask<number>({ host: IP_OF[side], direction, length: TRANSFER_LENGTH } satisfies Order),
    );
    const aim = { kind: 'at-least', value: AIMED_RATIO[direction], of: 'median' } as const;
    return [
      measurement(`bulk ${direction}, our stack through TUN`, 'Gbit/s', rates.tun),
      measurement(`bulk ${direction}, kernel to kernel over veth`, 'Gbit/s', rates.kernel),
      measurement(`bulk ${direction}, ours to the kernel's`, 'ratio', ratios(rates.tun, rates.kernel), aim),
    ];
  });
}
