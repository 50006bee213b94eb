// The real thing on loopback: two members in one process, a client's stack, and a download that moves while it runs.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Container, startMember, type Member, type Report } from '@migratory/framework';
import { addressOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { createNodeStack, servicePublicKey, type Address, type MigratoryConnection } from '@migratory/stack';
import { WallClock } from '@migratory/http-file-server/internal/clock-adapter.js';
import { FileSession } from '@migratory/http-file-server/internal/file-session.js';
import { FileStore } from '@migratory/http-file-server/internal/file-store.js';
import { RequestLog } from '@migratory/http-file-server/internal/request-log.js';

const FILE_LENGTH = 20_000_000;

interface Service {
  /** Of member 1. */
  readonly address: Address;
  readonly publicKey: Uint8Array;
  readonly reports: readonly Report[];
  /** The first one first. */
  readonly members: readonly Member[];
}

async function startService(t: ExecutionContext, root: string): Promise<Service> {
  const { key, members: planned } = await planLocalService(2);
  const reports: Report[] = [];
  const members: Member[] = [];
  for (const membership of planned) {
    const container = new Container();
    container.bind(FileStore).toConstantValue(await FileStore.at(root));
    container.bind(WallClock).toConstantValue(new WallClock());
    container.bind(RequestLog).toConstantValue(new RequestLog(() => undefined));
    const member: Member = await startMember({
      stack: { ip: LOOPBACK, membership },
      services: [{ service: FileSession, port: addressOf(membership).port, container }],
      report: (report) => reports.push(report),
    });
    t.teardown(() => member.stop());
    members.push(member);
  }
  const [address = { ip: LOOPBACK, port: 0 }] = planned.map(addressOf);
  return { address, publicKey: servicePublicKey(key.publicKey), reports, members };
}

/** Moves the connection to the other member each time that so many more bytes have come. */
async function download(
  connection: MigratoryConnection,
  everyLength: number,
): Promise<{ readonly received: Buffer; readonly moves: readonly string[] }> {
  const chunks: Buffer[] = [];
  const moves: Promise<string>[] = [];
  let receivedLength = 0;
  for await (const chunk of connection as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    receivedLength += chunk.length;
    if (receivedLength < (moves.length + 1) * everyLength) continue;
    moves.push(connection.requestMove().then(({ kind }) => kind));
  }
  return { received: Buffer.concat(chunks), moves: await Promise.all(moves) };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('a download of 20 MB arrives whole while it moves back and forth between two members', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'migratory-files-'));
  t.teardown(() => rm(root, { recursive: true }));
  const content = randomBytes(FILE_LENGTH);
  await writeFile(join(root, 'large.bin'), content);
  const { address, publicKey, reports } = await startService(t, root);
  const stack = await createNodeStack({ ip: LOOPBACK });
  t.teardown(() => stack.close());

  const connection = stack.connect({ address, servicePublicKey: publicKey, migration: 'required' });
  connection.write('GET /large.bin HTTP/1.1\r\nHost: files\r\nConnection: close\r\n\r\n');
  await once(connection, 'migratable');
  const { cid } = connection;
  const { received, moves } = await download(connection, 3_000_000);

  const headLength = received.indexOf('\r\n\r\n') + 4;
  t.regex(received.subarray(0, headLength).toString(), /^HTTP\/1\.1 200 OK\r\n/);
  t.is(received.length - headLength, FILE_LENGTH);
  t.is(sha256(received.subarray(headLength)), sha256(content));
  // On a busy machine a member may answer too late: the connection then stays, which is no less right.
  t.is(moves.length, 6);
  const movedCount = moves.filter((kind) => kind === 'moved').length;
  t.true(movedCount >= 3 && moves.every((kind) => kind === 'moved' || kind === 'stayed'), moves.join());

  const epochs = (kind: Report['kind']): number[] =>
    reports.flatMap((report) => (report.kind === kind && 'epoch' in report ? [report.epoch] : []));
  t.deepEqual(
    reports.filter((report) => 'error' in report),
    [],
  );
  t.deepEqual(epochs('accepted'), [0]);
  t.true(epochs('arrived').length >= movedCount);
  t.deepEqual(epochs('arrived'), epochs('departed'));
  t.deepEqual([...new Set(reports.map((report) => ('cid' in report ? report.cid : undefined)))], [cid]);
});

test('a member that drains gives its downloads to the other one, and then nothing is left of it', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'migratory-files-'));
  t.teardown(() => rm(root, { recursive: true }));
  const content = randomBytes(FILE_LENGTH);
  await writeFile(join(root, 'large.bin'), content);
  const { address, publicKey, reports, members } = await startService(t, root);
  const stack = await createNodeStack({ ip: LOOPBACK });
  t.teardown(() => stack.close());

  const connections = [1, 2, 3].map(() =>
    stack.connect({ address, servicePublicKey: publicKey, migration: 'required' }),
  );
  const downloads = connections.map(async (connection) => {
    connection.write('GET /large.bin HTTP/1.1\r\nHost: files\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of connection as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
  await Promise.all(connections.map((connection) => once(connection, 'readable')));
  const outcome = await members[0]?.drain({ timeoutMs: 30_000 });
  t.is(outcome?.remaining, 0);
  t.is((outcome?.departed ?? 0) + (outcome?.ended ?? 0), 3);
  t.true((outcome?.departed ?? 0) >= 1, 'at least one of them was still under way');
  for (const received of await Promise.all(downloads)) {
    t.is(sha256(received.subarray(received.indexOf('\r\n\r\n') + 4)), sha256(content));
  }
  t.deepEqual(
    reports.filter((report) => 'error' in report),
    [],
  );
  t.is(members[0]?.application.state, 'stopped');
});
