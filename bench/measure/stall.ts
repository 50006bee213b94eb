// How long a download at full speed stands still when its connection moves between two members in processes of their own.
//
// The stall, by which the aim goes, is the longest gap between two arrivals from the request until a while after the move:
// all that a reader would notice. Beside it stand its part from the last byte of the old member's output to the first of the
// new one's, the protocol's own report, and the same watch without a move.

import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { createNodeStack, type MigratoryConnection } from '@migratory/stack';
import { startChild } from '../children.js';
import { DownloadCheck, encodeRequest } from '../download.js';
import { measurement, type Measurement } from '../measurement.js';
import type { Arrival } from '../processes/member.js';
import { addressOf, LOOPBACK, planService } from '../service.js';

const WARM_UP_COUNT = 20;
const MOVE_COUNT = 300;
/** How long the client watches after the move, or without one. */
const WATCH_MS = 25;
const ENDLESS = 2 ** 46;
const AIM_MEDIAN_MS = 5;
const AIM_P99_MS = 20;

export async function measureStall(): Promise<readonly Measurement[]> {
  const plans = await planService(2);
  const members = await Promise.all(plans.map((plan) => startChild('member', plan)));
  const imageLengths: number[] = [];
  for (const { process } of members) {
    process.on('message', (arrival: Arrival) => imageLengths.push(arrival.imageLength / 1024));
  }
  const [first] = plans;
  if (first === undefined) throw new Error('no member');
  const client = await createNodeStack({ ip: LOOPBACK });
  const connection = client.connect({ address: addressOf(first) });
  const arrivals = new Arrivals(connection);
  connection.write(encodeRequest(ENDLESS));
  await once(connection, 'migratable');
  const across: number[] = [];
  const moving: number[] = [];
  const still: number[] = [];
  const reported: number[] = [];
  for (let move = 0; move < WARM_UP_COUNT + MOVE_COUNT; move++) {
    still.push(await arrivals.longestGapDuring(() => pause(WATCH_MS)));
    moving.push(
      await arrivals.longestGapDuring(async () => {
        const outcome = await connection.requestMove();
        if (outcome.kind !== 'moved') throw new Error(`a move ended as '${outcome.kind}'`);
        reported.push(outcome.report.stallMs);
        const lastAt = arrivals.lastAt;
        await arrivals.next();
        across.push(arrivals.lastAt - lastAt);
        await pause(WATCH_MS);
      }),
    );
  }
  connection.resetAndDestroy();
  await Promise.all([client.close(), ...members.map((member) => member.stop())]);
  const warm = (observations: readonly number[]): number[] => observations.slice(WARM_UP_COUNT);
  return [
    measurement('move, gap from old member to new', 'ms', warm(across)),
    measurement('move, as the protocol reports it', 'ms', warm(reported)),
    measurement(
      'move, longest gap until 25 ms after',
      'ms',
      warm(moving),
      { kind: 'at-most', value: AIM_MEDIAN_MS, of: 'median' },
      { kind: 'at-most', value: AIM_P99_MS, of: 'p99' },
    ),
    measurement('no move, longest gap in 25 ms', 'ms', warm(still)),
    measurement('move, image under full load', 'KiB', warm(imageLengths)),
  ];
}

/** When bytes come, and the longest time between. */
class Arrivals {
  readonly #check = new DownloadCheck();
  /** When the newest bytes came. */
  lastAt = performance.now();
  #longestMs = 0;
  #waiters: (() => void)[] = [];

  constructor(connection: MigratoryConnection) {
    connection.on('data', (bytes: Buffer) => {
      this.#check.take(bytes);
      const now = performance.now();
      this.#longestMs = Math.max(this.#longestMs, now - this.lastAt);
      this.lastAt = now;
      for (const resolve of this.#waiters.splice(0)) resolve();
    });
  }

  /** The next bytes. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async longestGapDuring(happening: () => Promise<unknown>): Promise<number> {
    this.#longestMs = 0;
    await happening();
    return this.#longestMs;
  }
}
