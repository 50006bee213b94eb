// `migratory run`: an ordinary program's connection moves from member to member under it, and what ends a run ends all of it.

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { createNodeStack, servicePublicKey } from '@migratory/stack';
import { COUNTER_MODULE, Lines, makeFolder, outcomeOf, run, start } from './command.js';

/** An ordinary program: a line out, a line in. */
class Client {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(t: ExecutionContext, port: number) {
    this.#socket = connect(port, LOOPBACK);
    t.teardown(() => this.#socket.destroy());
    this.#lines = createInterface({ input: this.#socket })[Symbol.asyncIterator]();
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Whether in order or by a reset. */
  get closed(): Promise<void> {
    this.#socket.on('error', () => undefined);
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  async ask(line: string): Promise<string> {
    this.#socket.write(`${line}\n`);
    return String((await this.#lines.next()).value);
  }
}

test('a connection moves again and again, and its program does not notice', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const child = start(t, folder, ['run', 'counter.mjs', '--members', '3', '--move-every', '50']);
  const ended = outcomeOf(child);
  const lines = new Lines(child);
  const port = Number((await lines.until(/nc 127\.0\.0\.1 (\d+)$/))[1]);
  const client = new Client(t, port);
  t.is(await client.ask('x'), '1');
  let count = 1;
  for (const line of ['left member 1 for 2', 'left member 2 for 3', 'left member 3 for 1']) {
    await lines.until(new RegExp(`^#1 ${line}$`));
    t.is(await client.ask('x'), String(++count));
  }
  client.socket.end();
  const [, moves, input, output] = await lines.until(/^#1 closed after (\d+) moves?, (\d+) bytes in, (\d+) out$/);
  t.true(Number(moves) >= 3);
  t.deepEqual([input, output], ['8', '8']);
  for (const line of [/^#1 opened at member 1$/, /^#1 arrived at member 2, image \d+ bytes$/]) await lines.until(line);
  child.kill('SIGINT');
  const { status, output: told, errors } = await ended;
  t.deepEqual([status, errors], [130, '']);
  t.is(told.match(/^#1 closed/gm)?.length, 1);
});

test('a stage that throws is told with its place, and resets that connection only', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const child = start(t, folder, ['run', 'counter.mjs']);
  const ended = outcomeOf(child);
  const lines = new Lines(child);
  const port = Number((await lines.until(/nc 127\.0\.0\.1 (\d+)$/))[1]);
  const [failing, other] = [new Client(t, port), new Client(t, port)];
  t.is(await other.ask('x'), '1');
  const closed = failing.closed;
  failing.socket.write('fail\n');
  await lines.until(/stage-failed in line: RangeError: asked to fail \(.*counter\.mjs:\d+:\d+\)$/);
  await closed;
  t.is(await other.ask('x'), '2');
  const gone = other.closed;
  child.kill('SIGTERM');
  t.like(await ended, { status: 143, errors: '' });
  await gone;
});

test('all that is wrong with a service is said, each in a line, exit status 1', async (t) => {
  const broken = COUNTER_MODULE.replace("'counter'", "'Bad Name'").replace('version: 1', 'version: 0');
  const folder = await makeFolder(t, { 'broken.mjs': broken });
  const { status, errors } = await run(t, folder, 'run', 'broken.mjs');
  t.is(status, 1);
  t.regex(errors, /^migratory: MIG002 [^\n]+\nmigratory: MIG003 [^\n]+\n$/);
});

test('a plain port in use: one line, exit status 1', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const server = createServer().listen(0, LOOPBACK);
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { status, errors } = await run(t, folder, 'run', 'counter.mjs', '--port', String(port));
  t.is(status, 1);
  t.is(errors, `migratory: can't listen on 127.0.0.1:${port}: it is in use: choose another --port\n`);
});

/** Descriptions and keys of two members: `member-1.json`, `member-2.json`. Answers what a client needs. */
async function describeMembers(folder: string): Promise<{ readonly port: number; readonly publicKey: Uint8Array }> {
  const service = await planLocalService(2);
  for (const [name, text] of Object.entries(filesOf(service))) await writeFile(join(folder, name), text);
  const [{ port } = { port: 0 }] = service.members.map(addressOf);
  return { port, publicKey: servicePublicKey(service.key.publicKey) };
}

test('a member that is told to stop lets its connections go to the other one first', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const { port, publicKey } = await describeMembers(folder);
  const processes = [1, 2].map((id) => start(t, folder, ['run', 'counter.mjs', '--config', `member-${id}.json`]));
  const [first, second] = processes.map((child) => ({ child, ended: outcomeOf(child), lines: new Lines(child) }));
  if (first === undefined || second === undefined) return t.fail();
  await Promise.all([first, second].map(({ lines }) => lines.until(/"event":"ready"/)));

  const stack = await createNodeStack({ ip: LOOPBACK });
  t.teardown(() => stack.close());
  const connection = stack.connect({
    address: { ip: LOOPBACK, port },
    servicePublicKey: publicKey,
    migration: 'required',
  });
  const answers = createInterface({ input: connection })[Symbol.asyncIterator]();
  const ask = async (): Promise<string> => {
    connection.write('x\n');
    return String((await answers.next()).value);
  };
  t.is(await ask(), '1');
  t.is(connection.member, 1);

  first.child.kill('SIGTERM');
  t.like(await first.ended, { status: 0, errors: '' });
  const last = JSON.parse(first.lines.all.at(-1) ?? '') as Record<string, unknown>;
  t.like(last, { event: 'stopped', departed: 1, ended: 0, remaining: 0 });
  t.false(Number.isNaN(Date.parse(String(last.time))));
  t.is(await ask(), '2');
  t.is(connection.member, 2);

  const doctor = await run(t, folder, 'doctor', '--config', 'member-1.json');
  t.is(doctor.errors, '');
  t.is(doctor.status, 0, doctor.output);
  t.regex(doctor.output, /^ok +member 2 +\S+ answers, and takes our certificate$/m);
  t.is(await ask(), '3');

  connection.end();
  second.child.kill('SIGINT');
  t.like(await second.ended, { status: 0, errors: '' });
});

test('the doctor tells of a member that is away, and of a certificate that is not its own', async (t) => {
  const folder = await makeFolder(t);
  await describeMembers(folder);
  const away = await run(t, folder, 'doctor', '--config', 'member-1.json');
  t.is(away.status, 1);
  t.regex(away.output, /^problem +member 2 +\S+: nobody listens there: start it/m);
  const description = await readFile(join(folder, 'member-1.json'), 'utf8');
  await writeFile(join(folder, 'mixed.json'), description.replace('"member-1.pem"', '"member-2.pem"'));
  const mixed = await run(t, folder, 'doctor', '--config', 'mixed.json', '--json');
  t.is(mixed.status, 1);
  const { ok, findings } = JSON.parse(mixed.output) as { ok: boolean; findings: { kind: string; check: string }[] };
  t.false(ok);
  const problems = findings.filter(({ kind }) => kind === 'problem').map(({ check }) => check);
  t.deepEqual(problems, ['certificate name', 'private key']);
});
