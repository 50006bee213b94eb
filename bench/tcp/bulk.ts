// How fast one connection carries bulk between our stack and a kernel's TCP, through a TUN device, beside what two kernels do
// over a veth pair. Runs alternate, so that whatever else the machine does touches both alike.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { startChild, type Child } from '../children.js';
import { measurement, type Measurement } from '../measurement.js';
import type { ServerOrder } from '../processes/tcp-server.js';
import type { Direction, Order } from './protocol.js';

const RUN_COUNT = 5;
const TRANSFER_LENGTH = 1024 * 1024 * 1024;
const AIMED_RATIO: Readonly<Record<Direction, number>> = { send: 0.8, receive: 0.4 };
const CLIENT_SPACE = 'bench-client';
const KERNEL_IP = '10.90.0.1';
const TUN_IP = '10.91.0.2';

/** The client's machine with a veth pair to ours; the TUN device is the client's own, as it would be a server's. */
function makeMachines(): void {
  const ip = (...args: string[]): unknown => execFileSync('ip', args);
  ip('netns', 'add', CLIENT_SPACE);
  ip('link', 'add', 'bench0', 'type', 'veth', 'peer', 'name', 'bench1', 'netns', CLIENT_SPACE);
  ip('address', 'add', `${KERNEL_IP}/24`, 'dev', 'bench0');
  ip('link', 'set', 'bench0', 'up');
  ip('-n', CLIENT_SPACE, 'address', 'add', '10.90.0.2/24', 'dev', 'bench1');
  ip('-n', CLIENT_SPACE, 'link', 'set', 'bench1', 'up');
}

async function transfer(client: Child<unknown>, order: Order): Promise<number> {
  client.process.send(order);
  const [rate] = (await once(client.process, 'message')) as [number];
  return rate;
}

export async function measureBulk(): Promise<readonly Measurement[]> {
  makeMachines();
  const inClientSpace = ['ip', 'netns', 'exec', CLIENT_SPACE];
  const kernel = await startChild('tcp-server', { kind: 'kernel', ip: KERNEL_IP } satisfies ServerOrder);
  const ours = { kind: 'tun', ip: TUN_IP, device: 'bench2' } satisfies ServerOrder;
  const tun = await startChild('tcp-server', ours, inClientSpace);
  const client = await startChild('tcp-client', {}, inClientSpace);
  const measurements: Measurement[] = [];
  for (const direction of ['send', 'receive'] as const) {
    const rates = { tun: [] as number[], kernel: [] as number[] };
    for (let run = 0; run <= RUN_COUNT; run++) {
      rates.tun.push(await transfer(client, { host: TUN_IP, direction, length: TRANSFER_LENGTH }));
      rates.kernel.push(await transfer(client, { host: KERNEL_IP, direction, length: TRANSFER_LENGTH }));
    }
    // The first run of each warms the compilers up.
    const [byTun, byKernel] = [rates.tun.slice(1), rates.kernel.slice(1)];
    const ratios = byTun.map((rate, index) => rate / (byKernel[index] ?? rate));
    const aim = { kind: 'at-least', value: AIMED_RATIO[direction], of: 'median' } as const;
    measurements.push(
      measurement(`bulk ${direction}, our stack through TUN`, 'Gbit/s', byTun),
      measurement(`bulk ${direction}, kernel to kernel over veth`, 'Gbit/s', byKernel),
      measurement(`bulk ${direction}, ours to the kernel's`, 'ratio', ratios, aim),
    );
  }
  await Promise.all([client.stop(), tun.stop(), kernel.stop()]);
  return measurements;
}
