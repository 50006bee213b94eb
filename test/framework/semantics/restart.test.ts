// Restart points: what is done twice, and what is not, for each instant at which a connection moves (docs/semantics.md, R).

import test from 'ava';
import { ConnectionMoved, defineService, done, next, type ServiceDefinition, type StageIo } from '@migratory/framework';
import { inServiceWorld, never, oneStage, textOf, thrownBy } from '../../support/service-world.js';

const line = async (io: StageIo): Promise<string> => textOf(await io.readUntil('\n', { maxLength: 100 }));

test('[R1] before anything was read, a move runs the entry stage again with the initial fields', async (t) => {
  const entered: string[] = [];
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'only',
      fields: () => ({ count: 7 }),
      stages: {
        only: async (session, io) => {
          entered.push(`${member}: ${session.count}`);
          session.count++;
          await io.write(await line(io));
          return done();
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    t.is(await world.move(2), 'moved');
    world.client.send('hello\n');
    await world.pass();
    t.deepEqual([world.client.text, world.client.state, entered], ['hello', 'ended', ['1: 7', '2: 7']]);
  });
});

test('[R2] while a read waits, it rejects at the origin, and the stage runs again at the destination', async (t) => {
  const log: string[] = [];
  const service = oneStage(async (io, member) => {
    log.push(`${member} runs`);
    const error = await thrownBy(async () => log.push(`${member} read ${await line(io)}`));
    if (error !== undefined) log.push(`${member} ${(error as Error).name}`);
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('hal');
    await world.pass();
    await world.move(2);
    world.client.send('lo\n');
    await world.pass();
    t.deepEqual(log, ['1 runs', '1 ConnectionMoved', '2 runs', '2 read hallo']);
    t.deepEqual(world.failures, []);
  });
});

/** Reads a line and answers it; `pause` is where each member stands still at a move. */
function answering(log: string[], pause: 'before the write' | 'after the write' | 'after the snapshot') {
  return oneStage(async (io, member) => {
    const stop = async (place: typeof pause): Promise<void> => {
      if (member === 1 && place === pause) await never();
    };
    const text = await line(io);
    log.push(`${member} read ${text}`);
    await stop('before the write');
    await io.write(`<${text}>`);
    log.push(`${member} wrote`);
    await stop('after the write');
    io.snapshot();
    await stop('after the snapshot');
    await io.write('.');
  });
}

test('[R3] after a read and before a write, the same input is read again', async (t) => {
  const log: string[] = [];
  await inServiceWorld({ service: answering(log, 'before the write') }, async (world) => {
    world.client.send('a\n');
    await world.pass();
    await world.move(2);
    t.deepEqual(log, ['1 read a', '2 read a', '2 wrote']);
    t.is(world.client.text, '<a>.');
  });
});

test('[R4] after a write that the client has not got, it is written again, and arrives once', async (t) => {
  const log: string[] = [];
  await inServiceWorld({ service: answering(log, 'after the write') }, async (world) => {
    world.muteTowardsClient(1);
    world.client.send('a\n');
    await world.pass();
    t.is(world.client.text, '');
    await world.move(2);
    t.deepEqual(log, ['1 read a', '1 wrote', '2 read a', '2 wrote']);
    t.is(world.client.text, '<a>.');
  });
});

test('[R5] after a write that the client has, what is written again is dropped', async (t) => {
  const log: string[] = [];
  await inServiceWorld({ service: answering(log, 'after the write') }, async (world) => {
    world.client.send('a\n');
    await world.pass();
    t.is(world.client.text, '<a>');
    await world.move(2);
    t.deepEqual(log, ['1 read a', '1 wrote', '2 read a', '2 wrote']);
    t.is(world.client.text, '<a>.');
  });
});

/** Moved behind `io.snapshot()` inside the stage: the destination begins the stage again, behind what was read and written. */
test('[R6] behind a snapshot nothing before it is read or written again, whether or not the client has it', async (t) => {
  for (const path of ['open', 'muted']) {
    const seen: string[] = [];
    const service = oneStage(async (io, member) => {
      if (member === 2) {
        seen.push(await line(io));
        return;
      }
      seen.push(await line(io));
      await io.write('answer');
      io.snapshot();
      await never();
    });
    await inServiceWorld({ service }, async (world) => {
      if (path === 'muted') world.muteTowardsClient(1);
      world.client.send('a\nb\n');
      await world.pass();
      await world.move(2);
      t.deepEqual(seen, ['a', 'b']);
      t.deepEqual([world.client.text, world.client.state], ['answer', 'ended']);
    });
  }
});

test('[R7] a snapshot is one instant: it covers the writes called before it, and no read that has not answered', async (t) => {
  const seen: string[] = [];
  const service = oneStage(async (io, member) => {
    if (member === 2) {
      seen.push(textOf(await io.readExactly(6)));
      return;
    }
    await io.readExactly(1);
    const unfinished = io.readExactly(100);
    await io.write(''); // a turn for the read, which gathers what is there
    void io.write('not ');
    void io.write('awaited');
    io.snapshot();
    await unfinished;
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('-abcdef');
    await world.pass();
    await world.move(2);
    t.deepEqual(seen, ['abcdef']);
    t.is(world.client.text, 'not awaited');
  });
});

test('[R8] behind io.snapshot({ stage }) the destination goes on at that stage, though the origin is in another', async (t) => {
  const log: string[] = [];
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({ word: '' }),
      stages: {
        first: async (session, io) => {
          log.push(`${member} first`);
          session.word = await line(io);
          io.snapshot({ stage: 'second' });
          session.word = 'changed behind the snapshot';
          await io.write('lost and written again by nobody'.slice(0, 0));
          return member === 1 ? never() : next('second');
        },
        second: async (session, io) => {
          log.push(`${member} second`);
          await io.write(session.word);
          return done();
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('kept\n');
    await world.pass();
    await world.move(2);
    t.deepEqual(log, ['1 first', '2 second']);
    t.is(world.client.text, 'kept');
  });
});

test('[R9] entering a stage is a restart point: the destination goes on in the stage that was entered last', async (t) => {
  const log: string[] = [];
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({ word: '' }),
      stages: {
        first: async (session, io) => {
          log.push(`${member} first`);
          session.word = await line(io);
          await io.write('once ');
          return next('second');
        },
        second: async (session, io) => {
          log.push(`${member} second`);
          if (member === 1) await never();
          await io.write(session.word);
          return done();
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('kept\n');
    await world.pass();
    await world.move(2);
    t.deepEqual(log, ['1 first', '1 second', '2 second']);
    t.is(world.client.text, 'once kept');
  });
});

test('[R10] after done() no stage runs again, wherever the connection moves, and the client gets everything', async (t) => {
  let runs = 0;
  const service = oneStage(async (io) => {
    runs++;
    await line(io);
    await io.write('bye');
  });
  await inServiceWorld({ service }, async (world) => {
    world.muteTowardsClient(1);
    world.client.send('go\n');
    await world.pass();
    t.is(world.client.text, '');
    t.is(await world.move(2), 'moved');
    t.deepEqual([runs, world.client.text, world.client.state], [1, 'bye', 'ended']);
    t.is(world.counters(2).stagesEntered, 0);
  });
});

test("[R11] the end of the client's stream is seen again as its bytes are", async (t) => {
  const seen: string[] = [];
  const service = oneStage(async (io, member) => {
    seen.push(`${member} ${textOf(await io.readExactly(2))}`);
    seen.push(`${member} ${String(await io.read())}`);
    if (member === 1) await never();
    await io.write('goodbye');
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.connection.end('ab');
    await world.pass();
    t.is(await world.move(2), 'moved');
    t.deepEqual(seen, ['1 ab', '1 undefined', '2 ab', '2 undefined']);
    t.deepEqual([world.client.text, world.client.state], ['goodbye', 'ended']);
  });
});

test("[R12] a connection that comes back to a member is a new handler's there", async (t) => {
  const log: string[] = [];
  const service = (member: number): ServiceDefinition => {
    let handlers = 0;
    return defineService({
      name: 'subject',
      version: 1,
      entry: 'only',
      fields: () => {
        handlers++;
        return { lines: 0 };
      },
      stages: {
        only: async (session, io) => {
          const text = await line(io);
          session.lines++;
          log.push(`${member} ${text} ${session.lines}`);
          await io.write(`${text};`);
          return text === 'end' ? done() : next('only');
        },
      },
      moved: () => void log.push(`left ${member} after ${handlers - 2} handlers`),
    });
  };
  await inServiceWorld({ service }, async (world) => {
    for (const [word, to] of [
      ['a', 2],
      ['b', 1],
      ['c', 2],
    ] as const) {
      world.client.send(`${word}\n`);
      await world.pass();
      t.is(await world.move(to), 'moved');
    }
    world.client.send('end\n');
    await world.pass();
    t.is(world.client.text, 'a;b;c;end;');
    t.deepEqual(
      log.filter((entry) => !entry.startsWith('left')),
      ['1 a 1', '2 b 2', '1 c 3', '2 end 4'],
    );
    t.is(new Set(log.filter((entry) => entry.startsWith('left 1'))).size, 2);
    t.deepEqual([world.counters(1).departed, world.counters(2).arrived, world.counters(2).departed], [2, 2, 1]);
  });
});

test('[R13] what a stage awaits when the connection leaves rejects with ConnectionMoved, a write that waits as well', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io, member) => {
    if (member === 2) return;
    await line(io);
    errors.push(await thrownBy(() => io.write('x'.repeat(5_000_000))));
    for (const call of [() => io.read(), () => io.write('y'), () => io.end(), () => io.snapshot()]) {
      errors.push(await thrownBy(call));
    }
  });
  await inServiceWorld({ service }, async (world) => {
    world.muteTowardsClient(1);
    world.client.send('go\n');
    await world.pass();
    await world.move(2);
    t.is(errors.length, 5);
    t.true(errors.every((error) => error instanceof ConnectionMoved));
  });
});
