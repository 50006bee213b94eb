// StageIo: reads that take no more than they give, writes in order, snapshots at the right offsets.

import test from 'ava';
import {
  ConnectionLost,
  ConnectionMoved,
  defineService,
  DelimiterNotFound,
  done,
  InvalidOption,
  next,
  OverlappingRead,
  StageOver,
  UnexpectedEnd,
  WriteAfterEnd,
  type StageIo,
} from '@migratory/framework';
import { hostConnection } from '@migratory/framework/internal/runtime/host.js';
import { FakeClient, FakeConnection } from '@migratory/framework/internal/testing/fake-connection.js';
import { hosted, turn } from '../support/fake-session.js';

interface Bench {
  readonly client: FakeClient;
  readonly connection: FakeConnection;
  readonly io: StageIo;
}

/** The io of a stage that goes on for ever, for the test to play the stage's part. */
async function benchWith(
  input: string,
  connectionOf = (client: FakeClient) => new FakeConnection(client),
): Promise<Bench> {
  const client = new FakeClient(input);
  const connection = connectionOf(client);
  const io = await new Promise<StageIo>((resolve) => {
    const only = async (_session: object, stageIo: StageIo): Promise<ReturnType<typeof done>> => {
      resolve(stageIo);
      return new Promise(() => undefined);
    };
    const service = defineService({ name: 'bench', version: 1, entry: 'only', fields: () => ({}), stages: { only } });
    void hostConnection(hosted(service).service, connection);
  });
  return { client, connection, io };
}

/** What a destination would read first if the connection moved now. */
async function restOfInput({ client, connection }: Bench): Promise<string> {
  const destination = connection.move();
  destination.arrive(client.input.length + 1);
  const pieces: Buffer[] = [];
  for await (const piece of destination as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString();

test('read takes no more than it is told, and what lies beyond stays unread', async (t) => {
  const bench = await benchWith('abcdef');
  bench.connection.arrive(6);
  t.is(text(await bench.io.read({ maxLength: 2 })), 'ab');
  t.is(text(await bench.io.read({ maxLength: 3 })), 'cde');
  t.throws(() => void bench.io.read({ maxLength: 0 }), { instanceOf: InvalidOption });
  bench.io.snapshot();
  t.is(await restOfInput(bench), 'f');
});

test('read gives what is there, waits for more, and says when the stream has ended', async (t) => {
  const { connection, io } = await benchWith('abcdef');
  connection.arrive(2);
  t.is(text(await io.read()), 'ab');
  const waiting = io.read();
  await turn();
  connection.arrive(3);
  t.is(text(await waiting), 'cde');
  connection.arrive(10);
  t.is(text(await io.read()), 'f');
  t.is(await io.read(), undefined);
  t.is(await io.read(), undefined);
});

test('readUntil finds a delimiter that arrives in pieces, and leaves the rest', async (t) => {
  const { connection, io } = await benchWith('GET /\r\n\r\nbody');
  const head = io.readUntil('\r\n\r\n', { maxLength: 100 });
  for (let count = 0; count < 14; count++) {
    connection.arrive(1);
    await turn();
  }
  t.is(text(await head), 'GET /');
  t.is(text(await io.read()), 'body');
});

test('readUntil takes bytes as a delimiter and gives empty parts', async (t) => {
  const { connection, io } = await benchWith('||a|');
  connection.arrive(10);
  const parts: (string | undefined)[] = [];
  for (let count = 0; count < 4; count++) parts.push(text(await io.readUntil(Uint8Array.of(0x7c), { maxLength: 10 })));
  t.deepEqual(parts, ['', '', 'a', undefined]);
});

test('readUntil stops at maxLength, delimiter included, and consumes nothing', async (t) => {
  const { connection, io } = await benchWith('12345\n');
  connection.arrive(10);
  const error = await t.throwsAsync(io.readUntil('\n', { maxLength: 5 }), { instanceOf: DelimiterNotFound });
  t.is(error.maxLength, 5);
  t.is(text(await io.readUntil('\n', { maxLength: 6 })), '12345');
});

test('readExactly gathers, leaves the rest, and gives nothing for nothing', async (t) => {
  const { connection, io } = await benchWith('abcdefgh');
  t.is(text(await io.readExactly(0)), '');
  const five = io.readExactly(5);
  connection.arrive(3);
  await turn();
  connection.arrive(3);
  t.is(text(await five), 'abcde');
  t.is(text(await io.read()), 'f');
});

test('a stream that ends inside a read says what there was', async (t) => {
  const { connection, io } = await benchWith('abc');
  connection.arrive(3);
  const error = await t.throwsAsync(io.readExactly(5), { instanceOf: UnexpectedEnd });
  t.is(text(error.received), 'abc');
  t.is(await io.readExactly(5), undefined);
  t.is(await io.readUntil('x', { maxLength: 9 }), undefined);

  const other = await benchWith('no newline');
  other.connection.arrive(100);
  t.is(
    text((await t.throwsAsync(other.io.readUntil('\n', { maxLength: 99 }), { instanceOf: UnexpectedEnd })).received),
    'no newline',
  );
});

test('one read at a time', async (t) => {
  const { connection, io } = await benchWith('abc');
  const first = io.read();
  await t.throwsAsync(io.readExactly(1), { instanceOf: OverlappingRead });
  connection.arrive(3);
  t.is(text(await first), 'abc');
});

test('limits that make no sense are refused at the call', async (t) => {
  const { io } = await benchWith('');
  t.throws(() => void io.readExactly(-1), { instanceOf: InvalidOption });
  t.throws(() => void io.readUntil('', { maxLength: 1 }), { instanceOf: InvalidOption });
  t.throws(() => void io.readUntil('\r\n', { maxLength: 1 }), { instanceOf: InvalidOption });
  t.throws(() => void io.readUntil('\n', { maxLength: NaN }), { instanceOf: InvalidOption });
  for (const length of [0, -1, 1.5, NaN]) t.throws(() => void io.allocate(length), { instanceOf: InvalidOption });
});

test('a snapshot counts as read what reads have given, and no more', async (t) => {
  const bench = await benchWith('head\nbody and more');
  bench.connection.arrive(12);
  t.is(text(await bench.io.readUntil('\n', { maxLength: 20 })), 'head');
  bench.io.snapshot();
  t.is(await restOfInput(bench), 'body and more');
});

test('a snapshot gives back what an unfinished read has gathered, and the read goes on', async (t) => {
  const bench = await benchWith('head\nbody and more');
  bench.connection.arrive(5);
  await bench.io.readUntil('\n', { maxLength: 20 });
  const waiting = bench.io.readUntil(' more', { maxLength: 40 });
  bench.connection.arrive(6);
  await turn();
  t.is(bench.connection.readableLength, 0);
  bench.io.snapshot();
  t.is(bench.connection.readableLength, 6);
  bench.connection.arrive(7);
  t.is(text(await waiting), 'body and');
  t.is(await restOfInput(bench), 'body and more');
});

test('a read that was called but not awaited takes nothing before a snapshot in the same breath', async (t) => {
  const bench = await benchWith('abc');
  bench.connection.arrive(3);
  await turn();
  const read = bench.io.read();
  bench.io.snapshot();
  t.is(text(await read), 'abc');
  t.is(await restOfInput(bench), 'abc');
});

test('writes honour back-pressure, keep their order, and a snapshot covers those that wait', async (t) => {
  const { client, connection, io } = await benchWith('');
  const progress: string[] = [];
  const writes = ['a', 'b', 'c'].map(async (letter) => {
    await io.write(letter.repeat(50));
    progress.push(letter);
  });
  io.snapshot();
  await turn();
  t.deepEqual(progress, ['a']);
  connection.deliver(20);
  await turn();
  t.deepEqual(progress, ['a']);
  const destination = connection.move();
  await Promise.allSettled(writes);
  t.deepEqual(progress, ['a']);
  destination.deliver(1_000);
  t.is(client.received.toString(), 'a'.repeat(50) + 'b'.repeat(50) + 'c'.repeat(50));
});

test('writes go on when there is room again', async (t) => {
  const { client, connection, io } = await benchWith('');
  const writes = [io.write('x'.repeat(100)), io.write(new Uint8Array(0)), io.write('y')];
  for (let count = 0; count < 6; count++) {
    connection.deliver(30);
    await turn();
  }
  await Promise.all(writes);
  t.is(client.received.toString(), `${'x'.repeat(100)}y`);
});

test('allocated memory is lent again when the client has what was written from it', async (t) => {
  const { connection, io } = await benchWith('');
  const first = io.allocate(20);
  t.deepEqual(
    [...first],
    Array.from({ length: 20 }, () => 0),
  );
  void io.write(first.subarray(0, 12));
  connection.deliver(12);
  const second = io.allocate(20);
  t.not(second.buffer, first.buffer, 'a part of it has not been written');
  void io.write(first.subarray(12));
  void io.write(second.fill(1));
  connection.deliver(7);
  t.not(io.allocate(20).buffer, first.buffer, 'its last byte has not been delivered');
  connection.deliver(1);
  t.not(io.allocate(21).buffer, first.buffer, 'it is too short');
  const again = io.allocate(3);
  t.is(again.buffer, first.buffer);
  t.is(again.length, 3);
  t.not(io.allocate(3).buffer, second.buffer);
});

test('allocated memory that is written twice, or out of order, or not to its end, is not lent again', async (t) => {
  const { connection, io } = await benchWith('');
  const refilled = (): Uint8Array[] => Array.from({ length: 3 }, () => io.allocate(20));
  const [twice, backwards, short] = [io.allocate(20), io.allocate(20), io.allocate(20)];
  const twiceAndOn = [twice.subarray(0, 10), twice.subarray(0, 10), twice.subarray(10)];
  for (const bytes of [...twiceAndOn, backwards.subarray(10), backwards.subarray(0, 10), short.subarray(1)]) {
    void io.write(bytes);
  }
  connection.deliver(1_000);
  for (const { buffer } of refilled()) t.false([twice.buffer, backwards.buffer, short.buffer].includes(buffer));
  const [free] = refilled();
  if (free === undefined) throw new Error('no memory');
  void io.write(free);
  connection.deliver(1_000);
  void io.write(free);
  for (const { buffer } of refilled()) t.not(buffer, free.buffer, 'it was written once more when it was free');
});

test('end resolves when all is out, may be called again, and nothing is written after it', async (t) => {
  const { client, connection, io } = await benchWith('still there');
  await io.write('bye');
  const ended = io.end();
  await t.throwsAsync(io.write('more'), { instanceOf: WriteAfterEnd });
  let progress = 'waiting';
  void ended.then(() => (progress = 'ended'));
  await turn();
  t.is(progress, 'waiting');
  connection.deliver(10);
  await turn();
  connection.deliver(10);
  await ended;
  await io.end();
  t.is(client.receivedEnd, 'ended');
  connection.arrive(5);
  t.is(text(await io.read()), 'still');
});

test('the connection is described', async (t) => {
  const { io } = await benchWith('');
  t.deepEqual(io.client, { ip: '192.0.2.7', port: 40_000 });
  t.is(io.cid, '00112233aabbccdd');
  t.is(io.epoch, 0);
  t.false(io.signal.aborted);
});

test('a move ends every wait, aborts the signal and refuses what comes after', async (t) => {
  const { connection, io } = await benchWith('');
  const read = io.read();
  const write = io.write('x'.repeat(100));
  await turn();
  connection.move();
  t.true(io.signal.reason instanceof ConnectionMoved);
  await t.throwsAsync(read, { instanceOf: ConnectionMoved });
  await t.throwsAsync(write, { instanceOf: ConnectionMoved });
  await t.throwsAsync(io.read(), { instanceOf: ConnectionMoved });
  await t.throwsAsync(io.write('y'), { instanceOf: ConnectionMoved });
  await t.throwsAsync(io.end(), { instanceOf: ConnectionMoved });
  t.throws(() => io.snapshot(), { instanceOf: ConnectionMoved });
});

test('a connection that dies ends every wait, with the cause', async (t) => {
  const { connection, io } = await benchWith('');
  const read = io.read();
  await turn();
  connection.destroy(new Error('reset'));
  const error = await t.throwsAsync(read, { instanceOf: ConnectionLost });
  t.is((error.cause as Error).message, 'reset');
  t.true(io.signal.reason instanceof ConnectionLost);
  await t.throwsAsync(io.write('y'), { instanceOf: ConnectionLost });
});

test('what a stage left running cannot move the restart point of the next', async (t) => {
  const client = new FakeClient('go');
  const connection = new FakeConnection(client);
  const late = new Promise<unknown>((resolve) => {
    let first: StageIo | undefined;
    const service = defineService({
      name: 'late',
      version: 1,
      entry: 'one',
      fields: () => ({}),
      stages: {
        one: async (_session, io) => {
          first = io;
          return Promise.resolve(next('two'));
        },
        two: async (_session, io) => {
          io.snapshot();
          try {
            first?.snapshot();
          } catch (error) {
            resolve(error);
          }
          return Promise.resolve(done());
        },
      },
    });
    void hostConnection(hosted(service).service, connection);
  });
  t.true((await late) instanceof StageOver);
});

test('many writes that wait for room share one listener, and all go on', async (t) => {
  const { client, connection, io } = await benchWith('');
  let answeredCount = 0;
  for (let index = 0; index < 40; index++) void io.write('x'.repeat(50)).then(() => answeredCount++);
  t.is(connection.listenerCount('drain'), 1);
  for (let index = 0; index < 40; index++) {
    connection.deliver(Infinity);
    await turn();
  }
  t.is(answeredCount, 40);
  t.is(client.received.length, 2_000);
});

test.serial('what a readUntil copies does not grow with the number of pieces', async (t) => {
  const LENGTH = 20_000;
  const { connection, io } = await benchWith(`${'a'.repeat(LENGTH)}\r\nrest`);
  let copiedLength = 0;
  const concat = Buffer.concat.bind(Buffer);
  Buffer.concat = (list, length) => {
    const all = concat(list, length);
    copiedLength += all.length;
    return all;
  };
  try {
    const line = io.readUntil('\r\n', { maxLength: 2 * LENGTH });
    for (let index = 0; index < LENGTH + 2; index++) {
      connection.arrive(1);
      await new Promise((resolve) => process.nextTick(resolve));
    }
    t.is((await line)?.length, LENGTH);
  } finally {
    Buffer.concat = concat;
  }
  t.true(copiedLength < 10 * LENGTH, `${copiedLength} bytes copied for ${LENGTH}`);
});
