// A client of a service on whole stacks in memory: it writes, reads, moves, and time passes as it waits.

import test from 'ava';
import {
  Container,
  defineService,
  done,
  InvalidOption,
  next,
  OverlappingRead,
  type ServiceSource,
} from '@migratory/framework';
import {
  connect,
  ConnectionBroken,
  MoveFailed,
  StreamEnded,
  StreamTooLong,
  WorldStandsStill,
  type ConnectOptions,
} from '@migratory/framework/testing';
import { Shop } from './shops.js';
import { OnceCharged } from './sound-services.js';

/** "+ 3" is answered with the sum and the version; "fail" fails, "wait" takes a second of stage time. */
function sums(version: number): ServiceSource {
  return defineService({
    name: 'sums',
    version,
    entry: 'line',
    fields: () => ({ total: 0 }),
    ...(version > 1 ? { upgrades: { 1: (snapshot) => snapshot } } : {}),
    settings: { line: { timeoutMs: 5_000 } },
    stages: {
      line: async (session, io) => {
        const line = await io.readUntil('\n', { maxLength: 32 });
        if (line === undefined) return done();
        const word = Buffer.from(line).toString();
        if (word === 'fail') throw new Error('on purpose');
        session.total += Number(word);
        await io.write(`${session.total} v${version}\r\n`);
        return next('line');
      },
    },
  });
}

async function withClient(
  service: Parameters<typeof connect>[0],
  options: ConnectOptions,
  body: (client: Awaited<ReturnType<typeof connect>>) => Promise<void>,
): Promise<void> {
  const client = await connect(service, options);
  await body(client).finally(() => client.close());
}

test('a client writes, reads, moves and goes on', async (t) => {
  await withClient(sums(1), { memberCount: 3 }, async (client) => {
    t.is(client.member, 1);
    await client.write('5\n');
    t.is(await client.readLine(), '5 v1');
    const report = await client.move();
    t.like(report, { from: 1, to: 2, epoch: 1 });
    t.is(client.member, 2);
    await client.write(Buffer.from('6\n7\n'));
    t.deepEqual(await client.readUntil('\r\n'), Buffer.from('11 v1'));
    t.like(await client.move(1), { from: 2, to: 1 });
    t.deepEqual(await client.readExactly(7), Buffer.from('18 v1\r\n'));
    t.is(client.moves.length, 2);
    t.regex(client.cid, /^[0-9a-f]{16}$/);
    await client.end();
    t.is((await client.readAll()).length, 0);
    t.is(await client.readLine(), undefined);
    t.deepEqual(
      client.reports.map(({ kind }) => kind),
      ['accepted', 'departed', 'arrived', 'departed', 'arrived'],
    );
  });
});

test('members of other versions take a connection over, or refuse it, and then it stays', async (t) => {
  await withClient({ services: sums }, {}, async (client) => {
    await client.write('5\n');
    t.is(await client.readLine(), '5 v1');
    await client.move(2);
    await client.write('6\n');
    t.is(await client.readLine(), '11 v2');
    const error = await t.throwsAsync(client.move(1), { instanceOf: MoveFailed });
    t.regex(error.message, /does not move to member 1: member 1: state-not-supported/);
    t.is(error.to, 1);
    await client.write('7\n');
    t.is(await client.readLine(), '18 v2');
    t.is(client.moves.length, 1);
  });
});

test('a member is drained, and its connection goes to the other', async (t) => {
  await withClient(sums(1), {}, async (client) => {
    await client.write('5\n');
    await client.readLine();
    t.like(await client.drain(1), { departed: 1, remaining: 0 });
    t.is(client.member, 2);
    await client.write('6\n');
    t.is(await client.readLine(), '11 v1');
    t.throws(() => void client.drain(9), { instanceOf: RangeError });
  });
});

test('a drained member whose connections nobody takes asks twice a second, not as fast as it is refused', async (t) => {
  const services = (member: number): ServiceSource => sums(member === 1 ? 2 : 1);
  await withClient({ services }, {}, async (client) => {
    await client.write('5\n');
    await client.readLine();
    const { departed, remaining } = await client.drain(1);
    t.is(remaining, 1);
    t.true(departed >= 50 && departed <= 61, `${departed} attempts in 30 s`);
  });
});

test('containers are for all members, or for each', async (t) => {
  const recorded: unknown[] = [];
  const container = new Container();
  container.bind(Shop).toConstantValue(new Shop((effect) => recorded.push(effect)));
  for (const given of [container, () => container]) {
    await withClient(OnceCharged, { container: given }, async (client) => {
      await client.write('apples\n');
      await client.move();
      t.is(await client.readLine(), 'paid apples');
    });
  }
  t.deepEqual(recorded, ['charge apples', 'charge apples']);
});

test('a connection that the service resets is an error with what the service reported', async (t) => {
  const reported: string[] = [];
  await withClient(sums(1), { report: ({ kind }) => reported.push(kind) }, async (client) => {
    await client.write('fail\n');
    const error = await t.throwsAsync(client.readLine(), { instanceOf: ConnectionBroken });
    t.regex(error.message, /Reported: stage-failed sums\/line .*: Error: on purpose/);
    await t.throwsAsync(client.write('more'), { instanceOf: ConnectionBroken });
    await t.throwsAsync(client.readAll(), { instanceOf: ConnectionBroken });
  });
  t.deepEqual(reported, ['accepted', 'stage-failed']);
});

test('what does not come is an error, at once and in the time of the world', async (t) => {
  await withClient(sums(1), { patienceMs: 2_000 }, async (client) => {
    const error = await t.throwsAsync(client.readLine(), { instanceOf: WorldStandsStill });
    t.is(error.message, 'a line has not come, in 2000 ms of virtual time.');
    const line = client.readLine();
    await t.throwsAsync(client.readAll(), { instanceOf: OverlappingRead });
    await client.write('5\n');
    t.is(await line, '5 v1');
    await t.throwsAsync(client.play(new Promise(() => undefined)), { instanceOf: WorldStandsStill });
  });
});

test('time passes when it is asked to, and the limits of stages with it', async (t) => {
  await withClient(sums(1), { patienceMs: 1_000 }, async (client) => {
    await client.pass(4_900);
    await client.write('5\n');
    t.is(await client.readLine(), '5 v1');
    await client.pass(5_200);
    const error = await t.throwsAsync(client.readLine(), { instanceOf: ConnectionBroken });
    t.regex(error.message, /StageTimedOut/);
  });
});

test('a stream that ends inside, or goes on too long, says what there was', async (t) => {
  const brief = defineService({
    name: 'brief',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: {
      only: async (_session, io) => {
        await io.write('abcdef');
        return done();
      },
    },
  });
  await withClient(brief, {}, async (client) => {
    const tooLong = await t.throwsAsync(client.readLine({ maxLength: 4 }), { instanceOf: StreamTooLong });
    t.is(tooLong.maxLength, 4);
    const ended = await t.throwsAsync(client.readExactly(9), { instanceOf: StreamEnded });
    t.is(Buffer.from(ended.received).toString(), 'abcdef');
    t.is(await client.readExactly(1), undefined);
    t.throws(() => void client.readUntil(''), { instanceOf: InvalidOption });
  });
});

test('options that make no sense are refused', async (t) => {
  for (const memberCount of [0, 1.5, 65]) {
    await t.throwsAsync(connect(sums(1), { memberCount }), { instanceOf: InvalidOption });
  }
});
