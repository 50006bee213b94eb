// What users of net.Socket rely on, on node:net itself and on our connections: the same assertions on all.
//
// Where the two differ on purpose (destroy(error) resets, delivery is not bounded by the kernel's buffers) the assertion is
// in connection.test.ts, for ours alone.

import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { pattern, readAll, readExactly } from '../../support/bytes.js';
import { SOCKET_KINDS, type ContractPair } from '../../support/duplex-pairs.js';

const MIB = 1024 * 1024;

/** One test for each kind of socket, on an open pair. */
function onEach(title: string, body: (t: ExecutionContext, pair: ContractPair) => Promise<void>): void {
  for (const kind of SOCKET_KINDS) {
    test.serial(`${kind.name}: ${title}`, async (t) => {
      await kind.run((pair) => body(t, pair));
    });
  }
}

/** What `emitter` tells of its end, in order. */
function watch(socket: ContractPair['client']): string[] {
  const told: string[] = [];
  for (const event of ['end', 'finish', 'close']) socket.on(event, () => told.push(event));
  socket.on('error', (error: NodeJS.ErrnoException) => told.push(`error ${error.code ?? error.message}`));
  return told;
}

/** Unlike `once`, does not mind an error that comes before. */
function closed(socket: ContractPair['client']): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function callbackOf(write: (callback: (error?: Error | null) => void) => void): Promise<Error | undefined> {
  return new Promise((resolve) => write((error) => resolve(error ?? undefined)));
}

onEach('pipeline() through an echo gives back every byte', async (t, { client, server }) => {
  const bytes = pattern(3 * MIB);
  const echoed = pipeline(server, server);
  const source = Readable.from(
    (function* () {
      for (let offset = 0; offset < bytes.length; offset += 10_007) yield bytes.subarray(offset, offset + 10_007);
    })(),
  );
  const [, , received] = await Promise.all([echoed, pipeline(source, client), readAll(client)]);
  t.true(received.equals(bytes));
});

onEach('for await reads all that was written, and ends', async (t, { client, server }) => {
  for (let index = 0; index < 100; index++) client.write(pattern(997, index));
  client.end();
  const expected = Buffer.concat(Array.from({ length: 100 }, (_, index) => pattern(997, index)));
  t.true((await readAll(server)).equals(expected));
});

onEach('leaving a for await loop destroys the socket', async (t, { client, server }) => {
  client.on('error', () => undefined);
  client.write('first');
  for await (const chunk of server) {
    t.is((chunk as Buffer).toString(), 'first');
    break;
  }
  t.true(server.destroyed);
});

onEach('a reader that stops makes write() answer false; reading makes it drain', async (t, { client, server }) => {
  const chunk = pattern(64 * 1024);
  let writtenLength = 0;
  while (client.write(chunk)) writtenLength += chunk.length;
  writtenLength += chunk.length;
  let blockedAgain = 0;
  const drained = once(client, 'drain');
  const seen = { length: 0 };
  server.on('data', (data: Buffer) => (seen.length += data.length));
  await drained;
  while (writtenLength < 20 * MIB) {
    writtenLength += chunk.length;
    if (client.write(chunk)) continue;
    blockedAgain++;
    await once(client, 'drain');
  }
  client.end();
  await once(server, 'end');
  t.is(seen.length, writtenLength);
  t.true(blockedAgain > 0);
  t.true(client.writableLength < MIB);
});

onEach("'drain' never comes before write() has answered", async (t, { client, server }) => {
  let isWriting = false;
  let writtenLength = 0;
  let drainedInside = 0;
  server.on('drain', () => {
    if (isWriting) drainedInside++;
  });
  // It goes on writing a little while there is no room: what it reads may bring the acknowledgment that makes room.
  server.on('data', (chunk: Buffer) => {
    isWriting = true;
    for (const bytes of server.writableNeedDrain ? ['.'] : [chunk, chunk, chunk, chunk]) {
      server.write(bytes);
      writtenLength += bytes.length;
    }
    isWriting = false;
  });
  server.on('end', () => server.end());
  client.end(pattern(4 * MIB));
  t.is((await readAll(client)).length, writtenLength);
  t.is(drainedInside, 0);
});

onEach('half-close: the client ends, and the server still writes', async (t, { client, server }) => {
  client.end('question');
  t.is((await readAll(server)).toString(), 'question');
  t.false(server.writableEnded);
  server.write('an answer ');
  server.end('in two parts');
  t.is((await readAll(client)).toString(), 'an answer in two parts');
});

onEach('half-close: the server ends, and the client still writes', async (t, { client, server }) => {
  server.end('bye');
  t.is((await readAll(client)).toString(), 'bye');
  client.end(pattern(MIB));
  t.true((await readAll(server)).equals(pattern(MIB)));
});

onEach('end() with megabytes pending delivers them all', async (t, { client, server }) => {
  const bytes = pattern(12 * MIB);
  client.write(bytes.subarray(0, 5 * MIB));
  client.write(bytes.subarray(5 * MIB, 11 * MIB));
  client.end(bytes.subarray(11 * MIB));
  t.true((await readAll(server)).equals(bytes));
});

onEach("'close' comes once on each side after both have ended", async (t, { client, server }) => {
  const told = { client: watch(client), server: watch(server) };
  client.resume();
  server.resume();
  client.end('a');
  server.end('b');
  await Promise.all([closed(client), closed(server)]);
  t.deepEqual(told.client.toSorted(), ['close', 'end', 'finish']);
  t.deepEqual(told.server.toSorted(), ['close', 'end', 'finish']);
  t.is(told.client.at(-1), 'close');
  t.is(told.server.at(-1), 'close');
  t.true(client.destroyed && server.destroyed);
  client.destroy();
  client.end();
});

onEach('destroy() right after write() delivers what was written', async (t, { client, server }) => {
  client.write('last words');
  client.destroy();
  t.is((await readAll(server)).toString(), 'last words');
});

onEach('destroy() with input left unread resets the peer', async (t, { client, server }) => {
  const told = watch(server);
  server.write(pattern(8 * MIB));
  await once(client, 'readable');
  client.destroy();
  await closed(server);
  t.deepEqual(told, ['error ECONNRESET', 'close']);
});

onEach('destroy(error) tells the error here, once, and closes', async (t, { client, server }) => {
  const told = watch(client);
  watch(server);
  client.destroy(new Error('enough'));
  client.destroy(new Error('again'));
  await closed(client);
  t.deepEqual(told, ['error enough', 'close']);
});

onEach('resetAndDestroy() gives the peer ECONNRESET', async (t, { client, server }) => {
  const told = watch(server);
  client.resetAndDestroy();
  await closed(server);
  t.deepEqual(told, ['error ECONNRESET', 'close']);
});

onEach('a peer that was reset in the middle of an iteration throws', async (t, { client, server }) => {
  server.write('some');
  const reading = (async () => {
    for await (const chunk of client) {
      t.is((chunk as Buffer).toString(), 'some');
      server.resetAndDestroy();
    }
  })();
  const error = await t.throwsAsync<NodeJS.ErrnoException>(reading);
  t.is(error.code, 'ECONNRESET');
});

onEach('write() after end() is an error, in the callback and as an event', async (t, { client, server }) => {
  const told = watch(client);
  watch(server);
  const gone = closed(client);
  client.end();
  const error = await callbackOf((done) => client.write('late', done));
  t.is((error as NodeJS.ErrnoException).code, 'ERR_STREAM_WRITE_AFTER_END');
  await gone;
  t.true(told.includes('error ERR_STREAM_WRITE_AFTER_END'));
});

onEach('write() after destroy() is refused in the callback', async (t, { client }) => {
  const told = watch(client);
  client.destroy();
  const error = await callbackOf((done) => client.write('late', done));
  t.is((error as NodeJS.ErrnoException).code, 'ERR_STREAM_DESTROYED');
  t.deepEqual(
    told.filter((event) => event.startsWith('error')),
    [],
  );
});

onEach('every write() gets its callback, in order', async (t, { client, server }) => {
  server.resume();
  const order: number[] = [];
  const all = Array.from({ length: 50 }, (_, index) =>
    callbackOf((done) => client.write(pattern(index * 4_001), done)).then((error) => {
      t.is(error, undefined);
      order.push(index);
    }),
  );
  await Promise.all(all);
  t.deepEqual(
    order,
    Array.from({ length: 50 }, (_, index) => index),
  );
});

onEach('writes that destroy() leaves undone get an error in their callbacks', async (t, { client, server }) => {
  watch(server);
  const unfinished = Array.from({ length: 40 }, () => callbackOf((done) => client.write(pattern(MIB), done)));
  client.destroy();
  const errors = await Promise.all(unfinished);
  t.true(errors.at(-1) instanceof Error);
  t.true(errors.filter((error) => error !== undefined).length >= 20);
});

onEach("end()'s callback comes when all is handed over", async (t, { client, server }) => {
  server.resume();
  await new Promise<void>((resolve) => client.end('x', resolve));
  t.true(client.writableFinished);
});

onEach('unshift() puts bytes back in front', async (t, { client, server }) => {
  client.write('headbody');
  const head = await readExactly(server, 6);
  t.is(head.toString(), 'headbo');
  server.unshift(Buffer.from('bo'));
  client.end('-tail');
  t.is((await readAll(server)).toString(), 'body-tail');
});

onEach('read(n) waits for n bytes', async (t, { client, server }) => {
  client.write('abc');
  const parts: string[] = [];
  server.on('readable', () => {
    const part = server.read(5) as Buffer | null;
    if (part !== null) parts.push(part.toString());
    else if (parts.length === 0) client.end('def');
  });
  await once(server, 'end');
  t.deepEqual(parts, ['abcde', 'f']);
});

onEach('setEncoding() on the client joins characters that were cut', async (t, { client, server }) => {
  const text = 'grüße, 世界 🌍 '.repeat(500);
  const bytes = Buffer.from(text);
  client.setEncoding('utf8');
  let read = '';
  client.on('data', (part: string) => (read += part));
  for (let offset = 0; offset < bytes.length; offset += 7) server.write(bytes.subarray(offset, offset + 7));
  server.end();
  await once(client, 'end');
  t.is(read, text);
});

onEach('pause() stops the data, resume() goes on', async (t, { client, server }) => {
  let read = '';
  server.on('data', (chunk: Buffer) => {
    read += chunk.toString();
    server.pause();
  });
  client.write('one');
  await new Promise<void>((resolve) => server.once('pause', resolve));
  client.end('two');
  t.is(read, 'one');
  server.resume();
  await once(server, 'end');
  t.is(read, 'onetwo');
});

onEach("'end' and 'close' come where nobody reads, when there is nothing to read", async (t, { client, server }) => {
  const told = { client: watch(client), server: watch(server) };
  const gone = Promise.all([closed(client), closed(server)]);
  client.end();
  server.end();
  await gone;
  t.deepEqual(told.client.toSorted(), ['close', 'end', 'finish']);
  t.deepEqual(told.server.toSorted(), ['close', 'end', 'finish']);
});

onEach('cork() and uncork() change no byte', async (t, { client, server }) => {
  client.cork();
  client.write('a');
  client.write(Buffer.from('b'));
  client.write('63', 'hex');
  client.uncork();
  client.cork();
  client.write('d');
  client.end('e');
  t.is((await readAll(server)).toString(), 'abcde');
});

onEach('strings are encoded as asked', async (t, { client, server }) => {
  client.write('ä');
  client.write('00ff10', 'hex');
  client.write('aGk=', 'base64');
  client.write('ÿ', 'latin1');
  client.write('A', 'utf16le');
  client.setDefaultEncoding('hex');
  client.write('beef');
  client.end('cafe', 'hex');
  t.is((await readAll(server)).toString('hex'), 'c3a4' + '00ff10' + '6869' + 'ff' + '4100' + 'beef' + 'cafe');
});

onEach('what is no bytes is refused at the call, and nothing is sent', async (t, { client, server }) => {
  t.throws(() => client.write(5), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => client.write(null), { code: 'ERR_STREAM_NULL_VALUES' });
  t.throws(() => client.write('x', 'no-such' as never), { code: 'ERR_UNKNOWN_ENCODING' });
  t.throws(() => client.end({} as never), { code: 'ERR_INVALID_ARG_TYPE' });
  client.write(new Uint8Array([104, 105]));
  client.end();
  t.is((await readAll(server)).toString(), 'hi');
});

onEach('writes of nothing take no room and keep their place', async (t, { client, server }) => {
  const empty = await callbackOf((done) => client.write('', done));
  t.is(empty, undefined);
  client.write(new Uint8Array(0));
  client.write('x');
  const order: string[] = [];
  client.write('', () => order.push('empty'));
  client.write('y', () => order.push('y'));
  client.end(Buffer.alloc(0), () => order.push('end'));
  t.is((await readAll(server)).toString(), 'xy');
  t.deepEqual(order, ['empty', 'y', 'end']);
});

onEach('one large write arrives whole', async (t, { client, server }) => {
  const bytes = pattern(9 * MIB + 1);
  client.end(bytes);
  t.true((await readAll(server)).equals(bytes));
});

onEach('many small writes arrive in order', async (t, { client, server }) => {
  const parts = Array.from({ length: 5_000 }, (_, index) => pattern(index % 7, index));
  for (const part of parts) client.write(part);
  client.end();
  t.true((await readAll(server)).equals(Buffer.concat(parts)));
});

onEach('both directions at once, each slower than the other in turn', async (t, { client, server }) => {
  const bytes = pattern(2 * MIB);
  const slow = (): { sink: Writable; received: Buffer[] } => {
    const received: Buffer[] = [];
    const sink = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, callback) => {
        received.push(chunk);
        setImmediate(callback);
      },
    });
    return { sink, received };
  };
  const [up, down] = [slow(), slow()];
  await Promise.all([
    pipeline(Readable.from([bytes]), client, up.sink),
    pipeline(Readable.from([bytes]), server, down.sink),
  ]);
  t.true(Buffer.concat(up.received).equals(bytes));
  t.true(Buffer.concat(down.received).equals(bytes));
});

for (const kind of SOCKET_KINDS) {
  test(`${kind.name}: what is written before 'connect' arrives first`, async (t) => {
    await kind.runConnecting(async (client, accepted) => {
      t.is(typeof client.write('one '), 'boolean');
      client.write('two ');
      await once(client, 'connect');
      client.end('three');
      t.is((await readAll(await accepted)).toString(), 'one two three');
    });
  });

  test(`${kind.name}: end() before 'connect' still delivers`, async (t) => {
    await kind.runConnecting(async (client, accepted) => {
      client.write(pattern(3 * MIB));
      client.end('.');
      t.is((await readAll(await accepted)).length, 3 * MIB + 1);
    });
  });

  test(`${kind.name}: destroy() before 'connect' closes without connecting`, async (t) => {
    await kind.runConnecting(async (client) => {
      const told = watch(client);
      client.on('connect', () => told.push('connect'));
      client.destroy();
      await closed(client);
      t.deepEqual(told, ['close']);
    });
  });

  test(`${kind.name}: where nobody listens the error is ECONNREFUSED, then 'close'`, async (t) => {
    await kind.runRefused(async (client) => {
      const told = watch(client);
      client.write('x');
      await closed(client);
      t.deepEqual(told, ['error ECONNREFUSED', 'close']);
    });
  });
}
