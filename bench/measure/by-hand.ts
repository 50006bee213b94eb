// A service of the framework beside the same service written by hand on the stack's face, in processes of their own.
//
// A download with a snapshot behind each chunk, and requests of a line that are answered with a line. Runs alternate, so that
// whatever else the machine does touches both alike.

import { once } from 'node:events';
import { createNodeStack, type MigratoryConnection, type Stack } from '@migratory/stack';
import { startChild } from '../children.js';
import { DownloadCheck, encodeRequest } from '../download.js';
import { measurement, type Measurement } from '../measurement.js';
import { addressOf, LOOPBACK, planService, type MemberPlan } from '../service.js';

const RUN_COUNT = 9;
const DOWNLOAD_LENGTH = 256 * 1024 * 1024;
const LINE_COUNT = 20_000;
const AIM_RATIO = 0.95;

export async function measureByHand(): Promise<readonly Measurement[]> {
  const client = await createNodeStack({ ip: LOOPBACK });
  const downloads = await compare(client, { framework: 'framework-member', hand: 'member' }, download);
  const lines = await compare(client, { framework: 'framework-lines', hand: 'hand-lines' }, exchangeLines);
  await client.close();
  return [
    measurement('download, service of the framework', 'Gbit/s', downloads.framework),
    measurement('download, service by hand', 'Gbit/s', downloads.hand),
    measurement('download, framework to hand', 'ratio', downloads.ratio, AIM),
    measurement('lines answered, service of the framework', '/s', lines.framework),
    measurement('lines answered, service by hand', '/s', lines.hand),
    measurement('lines answered, framework to hand', 'ratio', lines.ratio, AIM),
  ];
}

const AIM = { kind: 'at-least', value: AIM_RATIO, of: 'median' } as const;

interface Comparison {
  readonly framework: number[];
  readonly hand: number[];
  readonly ratio: number[];
}

async function compare(
  client: Stack,
  processes: { readonly framework: string; readonly hand: string },
  run: (connection: MigratoryConnection) => Promise<number>,
): Promise<Comparison> {
  const [ofFramework] = await planService(1);
  const [ofHand] = await planService(1);
  if (ofFramework === undefined || ofHand === undefined) throw new Error('no member');
  const children = [await startChild(processes.framework, ofFramework), await startChild(processes.hand, ofHand)];
  const open = async (plan: MemberPlan): Promise<MigratoryConnection> => {
    const connection = client.connect({ address: addressOf(plan) });
    await once(connection, 'migratable');
    return connection;
  };
  const framework: number[] = [];
  const hand: number[] = [];
  // The first run of each warms the compilers of both processes up.
  for (let count = 0; count <= RUN_COUNT; count++) {
    framework.push(await run(await open(ofFramework)));
    hand.push(await run(await open(ofHand)));
  }
  await Promise.all(children.map((child) => child.stop()));
  const [ours, theirs] = [framework.slice(1), hand.slice(1)];
  return { framework: ours, hand: theirs, ratio: ours.map((rate, index) => rate / (theirs[index] ?? rate)) };
}

/** Gbit/s. */
async function download(connection: MigratoryConnection): Promise<number> {
  const startedAt = performance.now();
  connection.end(encodeRequest(DOWNLOAD_LENGTH));
  const check = new DownloadCheck();
  connection.on('data', (bytes: Buffer) => check.take(bytes));
  await once(connection, 'end');
  if (check.length !== DOWNLOAD_LENGTH) throw new Error(`${check.length} bytes came instead of ${DOWNLOAD_LENGTH}`);
  return (check.length * 8) / (performance.now() - startedAt) / 1e6;
}

/** Answers a second, one request at a time. */
async function exchangeLines(connection: MigratoryConnection): Promise<number> {
  const startedAt = performance.now();
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    connection.on('error', reject);
    connection.on('data', (bytes: Buffer) => {
      if (bytes.toString() !== `${answered} twice is ${2 * answered}\n`)
        reject(new Error(`wrong answer: ${bytes.toString()}`));
      answered++;
      if (answered === LINE_COUNT) resolve();
      else connection.write(`${answered}\n`);
    });
    connection.write('0\n');
  });
  const rate = (LINE_COUNT * 1000) / (performance.now() - startedAt);
  connection.end();
  await once(connection.resume(), 'close');
  return rate;
}
