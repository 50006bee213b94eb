// Snapshots: what `setState` covers, what counts as unread, and what `getState` answers after a move.

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import test from 'ava';
import { StateTooLarge, type MigratoryConnection } from '@migratory/stack';
import { pattern, readAll, readExactly } from '../../support/bytes.js';
import { inService, type Service } from '../../support/stack-world.js';

const MIB = 1024 * 1024;

function stateOf(connection: MigratoryConnection): string | undefined {
  const restored = connection.getState();
  return restored.kind === 'new' ? undefined : Buffer.from(restored.state).toString();
}

function latest({ accepted }: Service): MigratoryConnection {
  const last = accepted.at(-1);
  if (last === undefined) throw new Error('nothing was accepted');
  return last.connection;
}

/** Goes on when there is room for more, or the connection is gone. */
function room(connection: MigratoryConnection): Promise<void> {
  return new Promise((resolve) => {
    const proceed = (): void => {
      connection.off('drain', proceed).off('close', proceed);
      resolve();
    };
    connection.on('drain', proceed).on('close', proceed);
  });
}

test("the slides' first example: one is sent before the snapshot, two comes from either server", async (t) => {
  const serve = (connection: MigratoryConnection): void => {
    const restored = connection.getState();
    if (restored.kind === 'new') {
      connection.write('1');
      connection.setState(Buffer.from('1'));
      return; // the connection moves before 2 is sent
    }
    t.is(Buffer.from(restored.state).toString(), '1');
    connection.end('2');
  };
  await inService({ serve }, async (service) => {
    const { client } = service;
    await client.requestMove(2);
    t.is((await readAll(client)).toString(), '12');
    t.deepEqual(
      service.accepted.map(({ member }) => member),
      [1, 2],
    );
  });
});

test('before the first snapshot a moved connection is new: all is read again, nothing is sent twice', async (t) => {
  const seen: string[] = [];
  const serve = (connection: MigratoryConnection, member: number): void => {
    t.is(stateOf(connection), undefined);
    connection.write('hello ');
    connection.on('data', (chunk: Buffer) => {
      seen.push(`${member}: ${chunk.toString()}`);
      connection.end(`you said ${chunk.toString()}`);
    });
    if (member === 1) connection.pause();
  };
  await inService({ serve }, async ({ client }) => {
    const reading = readAll(client);
    client.write('hi');
    t.is((await client.requestMove(2)).kind, 'moved');
    t.is((await reading).toString(), 'hello you said hi');
    t.deepEqual(seen, ['2: hi']);
  });
});

for (const [name, finish] of [
  ['the rest comes from the destination', 'at the destination'],
  ['so does end(chunk)', 'before the snapshot'],
] as const) {
  test(`a snapshot covers every write before it, whatever waits for room: ${name}`, async (t) => {
    const written = pattern(5 * MIB);
    const serve = (connection: MigratoryConnection, member: number): void => {
      if (member > 1) {
        t.is(stateOf(connection), 'all written');
        if (finish === 'at the destination') connection.end('tail');
        return;
      }
      for (let offset = 0; offset < written.length; offset += 70_001) {
        connection.write(written.subarray(offset, offset + 70_001));
      }
      t.true(connection.writableNeedDrain);
      if (finish === 'before the snapshot') connection.end('tail');
      connection.setState(Buffer.from('all written'));
    };
    await inService({ serve }, async (service) => {
      const moving = service.client.requestMove(2);
      const received = readAll(service.client);
      t.is((await moving).kind, 'moved');
      t.true((await received).equals(Buffer.concat([written, Buffer.from('tail')])));
      if (finish === 'before the snapshot') t.true(latest(service).writableEnded);
    });
  });
}

test('an end without bytes under back-pressure is covered as well', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member > 1) return;
    connection.write(pattern(3 * MIB));
    connection.end();
    connection.setState(Buffer.from('done'));
  };
  await inService({ serve }, async ({ client }) => {
    const moving = client.requestMove(2);
    const received = readAll(client);
    t.is((await moving).kind, 'moved');
    t.true((await received).equals(pattern(3 * MIB)));
  });
});

/** Ways of consuming the first 1,000 bytes, leaving what came behind them to the stream. */
const CONSUMERS: Readonly<Record<string, (connection: MigratoryConnection) => Promise<unknown>>> = {
  'read(n)': async (connection) => {
    const parts = [await readExactly(connection, 300), await readExactly(connection, 700)];
    return parts;
  },
  "'data' and unshift()": (connection) =>
    new Promise<void>((resolve) => {
      let missing = 1_000;
      const take = (chunk: Buffer): void => {
        missing -= chunk.length;
        if (missing > 0) return;
        connection.pause();
        connection.off('data', take);
        if (missing < 0) connection.unshift(chunk.subarray(missing));
        resolve();
      };
      connection.on('data', take);
    }),
  'for await and unshift()': async (connection) => {
    let missing = 1_000;
    for await (const chunk of (connection as Readable).iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      missing -= bytes.length;
      if (missing < 0) connection.unshift(bytes.subarray(missing));
      if (missing <= 0) break;
    }
  },
  'byte by byte': async (connection) => {
    for (let count = 0; count < 1_000; count++) await readExactly(connection, 1);
  },
};

for (const [name, consume] of Object.entries(CONSUMERS)) {
  for (const sentLength of [1_000, 1_001, 50_000, 900_000]) {
    test(`what is left in the readable buffer counts as unread: ${name}, ${sentLength} bytes`, async (t) => {
      const sent = pattern(sentLength);
      let rest: Promise<Buffer> | undefined;
      let snapshotTaken: (() => void) | undefined;
      const ready = new Promise<void>((resolve) => (snapshotTaken = resolve));
      const serve = (connection: MigratoryConnection, member: number): void => {
        if (member === 1) {
          void consume(connection).then(() => {
            connection.setState(Buffer.from('1000 read'));
            snapshotTaken?.();
          });
          return;
        }
        t.is(stateOf(connection), '1000 read');
        rest = readAll(connection);
      };
      await inService({ serve }, async ({ client }) => {
        client.write(sent);
        await ready;
        const outcome = await client.requestMove(2);
        t.is(outcome.kind, 'moved');
        client.end('.');
        t.true((await rest)?.equals(Buffer.concat([sent.subarray(1_000), Buffer.from('.')])));
      });
    });
  }
}

test('input read after the snapshot is read again, that read before it is not', async (t) => {
  const got: string[] = [];
  const serve = async (connection: MigratoryConnection): Promise<void> => {
    if (stateOf(connection) === undefined) {
      got.push((await readExactly(connection, 3)).toString());
      connection.setState(Buffer.from('one'));
      got.push((await readExactly(connection, 3)).toString());
    } else {
      got.push((await readExactly(connection, 3)).toString());
      got.push((await readAll(connection)).toString());
      connection.end();
    }
  };
  await inService({ serve: (connection) => void serve(connection) }, async ({ client, world }) => {
    client.write('onetwo');
    await world.pass(10);
    await client.requestMove(2);
    client.end('three');
    await readAll(client);
    t.deepEqual(got, ['one', 'two', 'two', 'three']);
  });
});

test('what is in flight in both directions at the instant of a move arrives once', async (t) => {
  const up = pattern(3 * MIB, 1);
  const down = pattern(3 * MIB, 2);
  const uploads: Buffer[] = [];
  const serve = async (connection: MigratoryConnection): Promise<void> => {
    const restored = connection.getState();
    const done = { read: 0, written: 0 };
    if (restored.kind === 'migrated') Object.assign(done, JSON.parse(Buffer.from(restored.state).toString()));
    const save = (): void => connection.setState(Buffer.from(JSON.stringify(done)));
    const reading = new Promise((resolve) => connection.once('end', resolve).once('close', resolve));
    connection.on('data', (chunk: Buffer) => {
      uploads.push(chunk);
      done.read += chunk.length;
      save();
    });
    while (done.written < down.length && !connection.destroyed) {
      const chunk = down.subarray(done.written, done.written + 40_009);
      done.written += chunk.length;
      const hasRoom = connection.write(chunk);
      save();
      if (!hasRoom) await room(connection);
    }
    await reading;
    if (!connection.destroyed) connection.end();
  };
  await inService({ serve: (connection) => void serve(connection) }, async ({ client, world }) => {
    world.network.conditions = { lossRate: 0.02, duplicationRate: 0.02, minDelayMs: 0.5, maxDelayMs: 3 };
    const received = readAll(client);
    client.end(up);
    let moved = 0;
    for (let move = 0; move < 20 && !client.readableEnded; move++) {
      await world.pass(20);
      const outcome = await client.requestMove();
      if (outcome.kind === 'moved') moved++;
      else break;
    }
    t.true((await received).equals(down));
    t.true(Buffer.concat(uploads).equals(up));
    t.true(moved >= 5, `${moved} moves`);
  });
});

test('a state beyond the limit is refused, and the snapshot before it stays', async (t) => {
  await inService({ migration: { stateLength: 100 } }, async (service) => {
    const server = latest(service);
    server.setState(Buffer.alloc(100, 'a'));
    const error = t.throws(() => server.setState(Buffer.alloc(101, 'b')), { instanceOf: StateTooLarge });
    t.regex(error.message, /^the state has 101 bytes, the limit is 100: /);
    t.is(stateOf(server), 'a'.repeat(100));
    t.is((await service.client.requestMove(2)).kind, 'moved');
    t.is(stateOf(latest(service)), 'a'.repeat(100));
  });
});

test('input beyond the log keeps the connection where it is, until the next snapshot', async (t) => {
  const serve = (connection: MigratoryConnection): void => {
    connection.resume();
  };
  await inService({ serve, migration: { inputLogLength: 10_000 } }, async (service) => {
    const { client, world } = service;
    client.write(pattern(10_001));
    await world.pass(100);
    const stayed = await client.requestMove(2);
    t.is(stayed.kind, 'stayed');
    t.true('report' in stayed && stayed.report.refusals.some(({ reason }) => reason === 'not-movable'));
    latest(service).setState(Buffer.from('caught up'));
    client.write('more');
    await world.pass(100);
    t.is((await client.requestMove(2)).kind, 'moved');
    t.is(stateOf(latest(service)), 'caught up');
  });
});

test('an image beyond the limit keeps the connection where it is', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member === 1) connection.write(pattern(60_000));
  };
  await inService({ serve, migration: { imageLength: 50_000 } }, async (service) => {
    const server = latest(service);
    server.setState(Buffer.alloc(50_001));
    const stayed = await service.client.requestMove(2);
    t.is(stayed.kind, 'stayed');
    t.true('report' in stayed && stayed.report.refusals.some(({ reason }) => reason === 'image-too-large'));
    server.setState(Buffer.alloc(10));
    server.end('goes on');
    const received = await readAll(service.client);
    t.is(received.subarray(60_000).toString(), 'goes on');
  });
});

test('setEncoding() is for clients: a server reads bytes, or its snapshots would miscount', async (t) => {
  await inService({}, async (service) => {
    const server = latest(service);
    t.throws(() => server.setEncoding('utf8'), { code: 'ERR_WRONG_ROLE' });
    service.client.setEncoding('utf8');
    server.write('ä');
    const [text] = (await once(service.client, 'data')) as [string];
    t.is(text, 'ä');
  });
});

test('unshift() of bytes that an earlier snapshot covers never breaks the connection', async (t) => {
  const serve = async (connection: MigratoryConnection, member: number): Promise<void> => {
    if (member !== 1 || connection.getState().kind === 'migrated') {
      connection.end(await readAll(connection));
      return;
    }
    const bytes = await readExactly(connection, 6);
    connection.setState(Buffer.from('all six'));
    connection.unshift(bytes.subarray(3));
    connection.setState(Buffer.from('three'));
  };
  await inService({ serve: (connection, member) => void serve(connection, member) }, async (service) => {
    const { client, world } = service;
    client.on('error', (error) => t.log(error.message));
    client.end('abcdef');
    await world.pass(10);
    const outcome = await client.requestMove(2);
    if (outcome.kind === 'moved') t.is((await readAll(client)).toString(), 'def');
    else t.is(outcome.kind, 'stayed');
  });
});
