// What a connection's handler takes in memory: connections that wait in a stage, beside as many that wait on the stack alone.
//
// Both have their snapshot and their listener for input; what is left between them is the framework's.

import { once } from 'node:events';
import { createApplication, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { createNodeStack, type MigratoryConnection, type Stack } from '@migratory/stack';
import { measurement, type Measurement } from '../measurement.js';
import { addressOf, LOOPBACK, openMember, planService } from '../service.js';

const RUN_COUNT = 5;
const CONNECTION_COUNT = 1_000;
const AIM_BYTES = 2048;

@Service({ name: 'waiting', version: 1 })
class Waiting {
  @Snapshot() path: string = '';
  @Snapshot() offset: number = 0;

  @Stage({ entry: true })
  async wait(io: StageIo): Promise<Next<Waiting>> {
    return (await io.read()) === undefined ? done() : next('wait');
  }
}

export async function measureHandler(): Promise<readonly Measurement[]> {
  if (globalThis.gc === undefined) throw new Error('memory can not be measured: run node with --expose-gc');
  const hosted: number[] = [];
  const bare: number[] = [];
  // The first run of each fills caches.
  for (let run = 0; run <= RUN_COUNT; run++) {
    bare.push(await bytesPerConnection(listenByHand));
    hosted.push(await bytesPerConnection(listenWithFramework));
  }
  const between = hosted.slice(1).map((bytes, index) => bytes - (bare[index + 1] ?? 0));
  return [
    measurement('handler of a waiting connection', 'B', between, { kind: 'at-most', value: AIM_BYTES, of: 'median' }),
  ];
}

type Listen = (stack: Stack, port: number) => Promise<void>;

async function listenWithFramework(stack: Stack, port: number): Promise<void> {
  await createApplication({ stack, services: [{ service: Waiting, port }] }).start();
}

async function listenByHand(stack: Stack, port: number): Promise<void> {
  await stack.listen({ port }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('readable', () => void connection.read());
    connection.setState(new Uint8Array(64));
  });
}

async function bytesPerConnection(listen: Listen): Promise<number> {
  const [plan] = await planService(1);
  if (plan === undefined) throw new Error('no member');
  const stack = await openMember(plan);
  await listen(stack, addressOf(plan).port);
  const client = await createNodeStack({ ip: LOOPBACK });
  const connections: MigratoryConnection[] = [];
  const before = await heapUsed();
  for (let count = 0; count < CONNECTION_COUNT; count++) {
    const connection = client.connect({ address: addressOf(plan) });
    connections.push(connection);
    await once(connection, 'migratable');
  }
  const used = (await heapUsed()) - before;
  await Promise.all([client.close(), stack.close()]);
  return used / connections.length;
}

async function heapUsed(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc?.();
  }
  const { heapUsed: heap, arrayBuffers } = process.memoryUsage();
  return heap + arrayBuffers;
}
