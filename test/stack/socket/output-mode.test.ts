// What each output mode promises of output after the last snapshot, seen from the client.

import test from 'ava';
import { ReplayDiverged, type ConnectionFailed, type MigratoryConnection } from '@migratory/stack';
import { pattern, readAll, readExactly } from '../../support/bytes.js';
import { inService, type Service } from '../../support/stack-world.js';

function latest({ accepted }: Service): MigratoryConnection {
  const last = accepted.at(-1);
  if (last === undefined) throw new Error('nothing was accepted');
  return last.connection;
}

/** What has come to a client so far, as it comes. */
function collect(client: MigratoryConnection): { text: string; ended: boolean; failure: string | undefined } {
  const seen: ReturnType<typeof collect> = { text: '', ended: false, failure: undefined };
  client.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  client.on('end', () => (seen.ended = true));
  // Before the client has confirmed the move nobody has it any more; afterwards it is reset.
  const lost = ['ECONNRESET', 'ERR_MOVE_GAVE_UP'];
  client.on('error', ({ code }: ConnectionFailed) => (seen.failure = lost.includes(code) ? 'lost' : code));
  return seen;
}

test('held: output leaves with the snapshot that covers it, the end too', async (t) => {
  await inService({}, async (service) => {
    const seen = collect(service.client);
    const server = latest(service);
    server.setOutputMode('held');
    server.write('one');
    await service.world.pass(5_000);
    t.is(seen.text, '');
    server.setState(Buffer.from('1'));
    server.write('two');
    await service.world.pass(5_000);
    t.is(seen.text, 'one');
    server.end('three');
    await service.world.pass(5_000);
    t.is(seen.text, 'one');
    server.setState(Buffer.from('2'));
    await service.world.pass(5_000);
    t.is(seen.text, 'onetwothree');
    t.true(seen.ended);
  });
});

test('held: an end without bytes waits for its snapshot', async (t) => {
  await inService({}, async (service) => {
    const seen = collect(service.client);
    const server = latest(service);
    server.setOutputMode('held');
    server.setState(Buffer.from('1'));
    server.end();
    await service.world.pass(5_000);
    t.false(seen.ended);
    server.setState(Buffer.from('2'));
    await service.world.pass(5_000);
    t.true(seen.ended);
  });
});

test('held: what was not covered never leaves, and the destination may say something else', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member === 1) {
      connection.setOutputMode('held');
      connection.write('agreed ');
      connection.setState(Buffer.from('agreed'));
      connection.end('a guess at the origin');
    } else {
      connection.write('another at the destination');
      connection.end();
      connection.setState(Buffer.from('done'));
    }
  };
  await inService({ serve }, async ({ client, world }) => {
    const seen = collect(client);
    await world.pass(500);
    t.is((await client.requestMove(2)).kind, 'moved');
    await world.pass(500);
    t.deepEqual(seen, { text: 'agreed another at the destination', ended: true, failure: undefined });
  });
});

test('held: back to live, all that waited leaves', async (t) => {
  await inService({}, async (service) => {
    const seen = collect(service.client);
    const server = latest(service);
    server.setOutputMode('held');
    server.write('waits');
    await service.world.pass(1_000);
    server.setOutputMode('live');
    await service.world.pass(1_000);
    t.is(seen.text, 'waits');
  });
});

test('held: a snapshot releases what fills the send buffer, and the writer goes on', async (t) => {
  const length = 5_000_000;
  const serve = (connection: MigratoryConnection): void => {
    connection.setOutputMode('held');
    let written = 0;
    const more = (): void => {
      while (written < length) {
        const hasRoom = connection.write(pattern(length).subarray(written, written + 100_000));
        written += 100_000;
        connection.setState(Buffer.from(`${written}`));
        if (!hasRoom) return void connection.once('drain', more);
      }
      connection.end();
      connection.setState(Buffer.from('end'));
    };
    more();
  };
  await inService({ serve }, async ({ client }) => {
    t.true((await readAll(client)).equals(pattern(length)));
  });
});

test('verified: the write that differs hears of it after it has answered', async (t) => {
  const told: string[] = [];
  const serve = (connection: MigratoryConnection, member: number): void => {
    connection.on('error', () => undefined);
    if (member === 1) {
      connection.setOutputMode('verified');
      connection.setState(Buffer.from('before'));
      connection.write('abcdef');
      return;
    }
    connection.write('abcdeX', (error) => told.push((error as NodeJS.ErrnoException | undefined)?.code ?? 'written'));
    told.push('answered');
  };
  await inService({ serve }, async ({ client, world }) => {
    client.on('error', () => undefined).resume();
    await client.requestMove(2);
    await world.pass(1_000);
    t.deepEqual(told, ['answered', 'ERR_REPLAY_DIVERGED']);
  });
});

test('held: what snapshots have released holds the writer back as any output does', async (t) => {
  let written = 0;
  const serve = (connection: MigratoryConnection): void => {
    connection.setOutputMode('held');
    const more = (): void => {
      connection.setState(Buffer.from(`${written}`));
      if (written >= 200) return;
      written++;
      connection.once('drain', more);
      t.false(connection.write(pattern(100_000)));
    };
    more();
  };
  await inService({ serve }, async ({ client, world }) => {
    await world.pass(1_000);
    t.true(written < 10, `${written} chunks, though nobody reads`);
    const received = readAll(client);
    client.end();
    await world.until(() => written === 200);
    client.destroy();
    await received.catch(() => undefined);
  });
});

/** A member that sends `texts[member]` after the snapshot. */
function tell(texts: Readonly<Record<number, string>>, ended: Promise<string>[]) {
  return (connection: MigratoryConnection, member: number): void => {
    if (connection.getState().kind === 'new') {
      connection.setOutputMode('verified');
      connection.write('before ');
      connection.setState(Buffer.from('told before'));
    }
    ended.push(
      new Promise((resolve) => {
        let how = 'closed';
        connection.on('error', (error) => (how = error instanceof ReplayDiverged ? error.code : error.message));
        connection.once('close', () => resolve(how));
      }),
    );
    for (const part of (texts[member] ?? '').split(' ')) connection.write(part);
    if (member > 1) connection.end();
  };
}

test('verified: the same output again, cut otherwise, goes on', async (t) => {
  const ended: Promise<string>[] = [];
  await inService({ serve: tell({ 1: 'same words', 2: 'sam e wor ds.' }, ended) }, async ({ client, world }) => {
    const seen = collect(client);
    await world.pass(50);
    t.is((await client.requestMove(2)).kind, 'moved');
    await world.pass(50);
    t.deepEqual(seen, { text: 'before samewords.', ended: true, failure: undefined });
    t.is(await Promise.race(ended), 'closed');
  });
});

for (const [name, second] of [
  ['another byte in what the client has', 'samewOrds'],
  ['less', 'same'],
  ['nothing', ''],
] as const) {
  test(`verified: ${name} is ReplayDiverged at the member; the client never sees a wrong byte`, async (t) => {
    const ended: Promise<string>[] = [];
    await inService({ serve: tell({ 1: 'same words', 2: second }, ended) }, async ({ client, world }) => {
      const seen = collect(client);
      await world.pass(50);
      await client.requestMove(2);
      await world.pass(1_000);
      t.is(await ended[1], 'ERR_REPLAY_DIVERGED');
      t.deepEqual(seen, { text: 'before samewords', ended: false, failure: 'lost' });
    });
  });
}

test('verified: output that the client does not have yet is compared too', async (t) => {
  const ended: Promise<string>[] = [];
  const serve = tell({ 1: 'x'.repeat(200_000), 2: `${'x'.repeat(199_999)}y` }, ended);
  await inService({ serve, client: { tcp: { receiveBufferLength: 20_000 } } }, async ({ client, world }) => {
    await world.pass(200);
    await client.requestMove(2);
    const seen = collect(client);
    t.is(await ended[1], 'ERR_REPLAY_DIVERGED');
    await world.pass(1_000);
    t.regex(seen.text, /^(?:before x*)?$/);
    t.is(seen.failure, 'lost');
  });
});

test('verified: nothing new leaves before the replay has matched', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member === 1) {
      connection.setOutputMode('verified');
      connection.setState(Buffer.from('start'));
      connection.write('0123456789');
    } else {
      connection.write('01234');
    }
  };
  await inService({ serve }, async (service) => {
    const { client, world } = service;
    const seen = collect(client);
    await world.pass(50);
    await client.requestMove(2);
    await world.pass(2_000);
    t.is(seen.text, '0123456789');
    latest(service).write('56789 and more');
    await world.pass(50);
    t.is(seen.text, '0123456789 and more');
  });
});

test('live: a destination that ends before what the client has is diverged as well', async (t) => {
  const failures: string[] = [];
  const serve = (connection: MigratoryConnection, member: number): void => {
    connection.on('error', (error) => failures.push(error.name));
    if (member === 1) connection.write('all of this');
    else connection.end('all');
  };
  await inService({ serve }, async ({ client, world }) => {
    const seen = collect(client);
    await world.pass(50);
    await client.requestMove(2);
    await world.pass(1_000);
    t.deepEqual(failures, ['ReplayDiverged']);
    t.deepEqual(seen, { text: 'all of this', ended: false, failure: 'lost' });
  });
});

test('the mode travels with the connection', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member === 1) {
      connection.setOutputMode('held');
      connection.setState(Buffer.from('1'));
    } else {
      connection.write('not yet');
    }
  };
  await inService({ serve }, async (service) => {
    const { client, world } = service;
    await client.requestMove(2);
    await world.pass(1_000);
    t.is(client.readableLength, 0);
    latest(service).setState(Buffer.from('2'));
    t.is((await readExactly(client, 7)).toString(), 'not yet');
  });
});
