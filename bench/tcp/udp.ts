// What one connection of our stack in UDP carries between two processes, on the loopback interface.

import { createNodeStack } from '@migratory/stack';
import { startChild } from '../children.js';
import { encodeRequest, timedDownload } from '../download.js';
import { measurement, type Conduct, type Measurement } from '../measurement.js';
import { addressOf, LOOPBACK, planService } from '../service.js';

const DOWNLOAD_LENGTH = 512 * 1024 * 1024;
const AIMED_GBIT_PER_SECOND = 2;

export async function measureUdp({ runCount }: Conduct): Promise<readonly Measurement[]> {
  const [plan] = await planService(1);
  if (plan === undefined) throw new Error('no member');
  const member = await startChild('member', plan);
  const client = await createNodeStack({ ip: LOOPBACK });
  const rates: number[] = [];
  // The first run warms the compilers of both processes up.
  for (let run = 0; run <= runCount; run++) {
    const rate = await timedDownload(DOWNLOAD_LENGTH, () => {
      const connection = client.connect({ address: addressOf(plan) });
      connection.end(encodeRequest(DOWNLOAD_LENGTH));
      return Promise.resolve(connection);
    });
    if (run > 0) rates.push(rate);
  }
  await Promise.all([client.close(), member.stop()]);
  const aim = { kind: 'at-least', value: AIMED_GBIT_PER_SECOND, of: 'median' } as const;
  return [measurement('download between two processes, our stack in UDP', 'Gbit/s', rates, aim)];
}
