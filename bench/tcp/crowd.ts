// Connections by the ten thousand: what one that is idle takes in memory, and whether others make a segment cost more.
//
// The clients' sockets are the kernel's, held by as many processes as one process's limit of descriptors makes it take.

import { setTimeout as wait } from 'node:timers/promises';
import type { Child } from '../children.js';
import { measurement, type Conduct, type Measurement } from '../measurement.js';
import type { ClientOrder } from '../processes/raw-client.js';
import type { Memory, Usage } from '../processes/tcp-server.js';
import { SERVICE_PORTS } from './protocol.js';
import { CLIENT_IPS, IP_OF, World, type Side } from './world.js';

const CROWD_COUNT = 50_000;
/** As many as one process of node:net can have with the usual limit of descriptors. */
const KERNEL_CROWD_COUNT = 15_000;
const SOCKETS_PER_PROCESS = 17_000;
const AIMED_LENGTH = 4_096;
const COUNTS = [10, 100, 1_000, 10_000, CROWD_COUNT] as const;
/** Of one run; at once, no more than the smallest crowd has. */
const EXCHANGE_COUNT = 30_000;
const BATCH_COUNT = 10;
const LARGE_BATCH_COUNT = 100;
const QUESTION_LENGTH = 64;
const AIMED_GROWTH = 1.2;
const [MAX_TRIES, RETRY_MS] = [100, 50];

/** Clients that hold `count` connections between them. */
class Crowd {
  readonly #world: World;
  readonly #side: Side;
  readonly #clients: Child<unknown>[] = [];
  #count = 0;

  constructor(world: World, side: Side) {
    this.#world = world;
    this.#side = side;
  }

  async grow(count: number): Promise<void> {
    const server = { ip: IP_OF[this.#side], port: SERVICE_PORTS.echo };
    while (this.#count < count) {
      const index = Math.floor(this.#count / SOCKETS_PER_PROCESS);
      const client = (this.#clients[index] ??= await this.#world.rawClient());
      const missing = Math.min(count, (index + 1) * SOCKETS_PER_PROCESS) - this.#count;
      const from = CLIENT_IPS[this.#side][index] ?? '';
      await client.ask({ kind: 'hold', count: missing, from, ...server } satisfies ClientOrder);
      this.#count += missing;
    }
  }

  /** Questions on all of them in turn, the same number on each. */
  async exchange(count: number, batchCount = BATCH_COUNT): Promise<void> {
    for (const [index, client] of this.#clients.entries()) {
      const held = Math.min(SOCKETS_PER_PROCESS, this.#count - index * SOCKETS_PER_PROCESS);
      const share = Math.ceil((count * held) / this.#count);
      await client.ask({
        kind: 'exchange',
        count: share,
        batchCount,
        length: QUESTION_LENGTH,
      } satisfies ClientOrder);
    }
  }

  async release(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.ask({ kind: 'release' } satisfies ClientOrder)));
    this.#count = 0;
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
  }
}

export function measureIdleMemory({ runCount }: Conduct): Promise<readonly Measurement[]> {
  return World.with(async (world) => {
    const observed = { held: [] as number[], resident: [] as number[], kernel: [] as number[] };
    for (let run = 0; run < runCount; run++) {
      const { held, resident } = await memoryOfOne(world, 'tun', CROWD_COUNT);
      observed.held.push(held);
      observed.resident.push(resident);
      observed.kernel.push((await memoryOfOne(world, 'kernel', KERNEL_CROWD_COUNT)).held);
    }
    const aim = { kind: 'at-most', value: AIMED_LENGTH, of: 'median' } as const;
    return [
      measurement('idle connection, our stack, of 50,000', 'B', observed.held, aim),
      measurement('idle connection, our stack, as the system sees it', 'B', observed.resident),
      measurement('idle connection, node:net, of 15,000, without the kernel', 'B', observed.kernel),
    ];
  });
}

/** In a process that is started for it, since a heap that has grown once does not shrink back. */
async function memoryOfOne(world: World, side: Side, count: number): Promise<{ held: number; resident: number }> {
  const server = await world.server(side);
  const crowd = new Crowd(world, side);
  await crowd.grow(BATCH_COUNT);
  const before = await memoryWith(server, BATCH_COUNT);
  await crowd.grow(count);
  // Idle, but not unused: each has received a question and answered it.
  await crowd.exchange(count, LARGE_BATCH_COUNT);
  const after = await memoryWith(server, count);
  await Promise.all([server.stop(), crowd.end()]);
  const grown = count - before.connectionCount;
  return {
    held: (after.heldLength - before.heldLength) / grown,
    resident: (after.residentLength - before.residentLength) / grown,
  };
}

/** Once the server has so many: what its clients have opened may still wait to be accepted. */
async function memoryWith(server: Child<unknown>, connectionCount: number): Promise<Memory> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const memory = await server.ask<Memory>({ kind: 'memory' });
    if (memory.connectionCount === connectionCount) return memory;
    await wait(RETRY_MS);
  }
  throw new Error(`the server does not have ${connectionCount} connections`);
}

export function measureScaling({ runCount }: Conduct): Promise<readonly Measurement[]> {
  return World.with(async (world) => {
    const server = await world.server('tun');
    const costs = COUNTS.map(() => [] as number[]);
    const crowd = new Crowd(world, 'tun');
    await crowd.grow(BATCH_COUNT);
    await crowd.exchange(EXCHANGE_COUNT);
    await crowd.release();
    for (let run = 0; run < runCount; run++) {
      for (const [index, count] of COUNTS.entries()) {
        await crowd.grow(count);
        const before = await server.ask<Usage>({ kind: 'usage' });
        await crowd.exchange(Math.max(EXCHANGE_COUNT, count));
        const after = await server.ask<Usage>({ kind: 'usage' });
        const segmentCount = after.segmentCount - before.segmentCount;
        costs[index]?.push(((after.cpuMs - before.cpuMs) * 1000) / segmentCount);
      }
      await crowd.release();
    }
    const [few = [], many = []] = [costs.at(0), costs.at(-1)];
    const growth = many.map((cost, run) => cost / (few[run] ?? NaN));
    return [
      ...COUNTS.map((count, index) =>
        measurement(`CPU for a segment among ${count.toLocaleString('en')} connections`, 'µs', costs[index] ?? []),
      ),
      measurement('CPU for a segment, among 50,000 to among 10', 'ratio', growth, {
        kind: 'at-most',
        value: AIMED_GROWTH,
        of: 'median',
      }),
    ];
  });
}
