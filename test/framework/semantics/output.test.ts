// Output: verified and held, and reads and writes that a stage leaves behind (docs/semantics.md, V, H, G).

import test from 'ava';
import {
  defineService,
  done,
  next,
  OverlappingRead,
  ReplayDiverged,
  StageOver,
  type ServiceDefinition,
  type StageIo,
  type StageSettings,
} from '@migratory/framework';
import { Gate, inServiceWorld, never, oneStage, textOf, thrownBy } from '../../support/service-world.js';

const line = async (io: StageIo): Promise<string> => textOf(await io.readUntil('\n', { maxLength: 100 }));
const only = (settings: StageSettings): { settings: { only: StageSettings } } => ({ settings: { only: settings } });

test('[V1] verified: output that is the same again goes on, behind what the client has', async (t) => {
  const service = oneStage(
    async (io, member) => {
      await line(io);
      await io.write('twice the same');
      if (member === 1) await never();
      await io.write(', and on');
    },
    only({ output: 'verified' }),
  );
  await inServiceWorld({ service }, async (world) => {
    world.client.send('go\n');
    await world.pass();
    t.is(await world.move(2), 'moved');
    t.deepEqual([world.client.text, world.client.state], ['twice the same, and on', 'ended']);
    t.is(world.counters(2).replaysDiverged, 0);
  });
});

test('[V2] verified: at other output the stage is told ReplayDiverged, no byte of it leaves, and the stream is reset', async (t) => {
  for (const path of ['open', 'muted']) {
    const errors: unknown[] = [];
    const service = oneStage(
      async (io, member) => {
        await line(io);
        await io.write(`from ${member}`);
        if (member === 1) await never();
        errors.push(await thrownBy(() => io.snapshot()));
        await io.write(', and on');
      },
      { ...only({ output: 'verified' }), failed: (_session, io) => io.write('failure') },
    );
    await inServiceWorld({ service }, async (world) => {
      if (path === 'muted') world.muteTowardsClient(1);
      world.client.send('go\n');
      await world.pass();
      await world.move(2);
      t.deepEqual([world.client.text, world.client.state], [path === 'muted' ? '' : 'from 1', 'lost']);
      t.true(errors[0] instanceof ReplayDiverged);
      t.true(world.failureReports[0]?.error instanceof ReplayDiverged);
      t.deepEqual(world.failures, ['stage-failed']);
      t.deepEqual([world.counters(2).replaysDiverged, world.counters(2).failed], [1, 1]);
    });
  }
});

test("[V3] verified: until the output is matched nothing new leaves, and the connection can't move", async (t) => {
  const gate = new Gate();
  const service = oneStage(
    async (io, member) => {
      await line(io);
      await io.write('first ');
      if (member === 2) await gate.passed;
      await io.write('second');
      if (member === 1) await never();
    },
    only({ output: 'verified' }),
  );
  await inServiceWorld({ service }, async (world) => {
    world.muteTowardsClient(1);
    world.client.send('go\n');
    await world.pass();
    await world.move(2);
    t.is(world.client.text, '');
    world.stacks.network.heal();
    t.is(await world.move(1), 'stayed');
    gate.open();
    await world.pass();
    t.is(world.client.text, 'first second');
  });
});

test('[V4] live: output that is not the same again is not noticed; the client has the first of both up to where it had read', async (t) => {
  const service = oneStage(async (io, member) => {
    await line(io);
    await io.write(member === 1 ? 'abc' : 'ABCDEF');
    if (member === 1) await never();
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('go\n');
    await world.pass();
    await world.move(2);
    t.is(world.client.text, 'abcDEF');
  });
});

test('[H1] held: nothing leaves before the snapshot that covers it', async (t) => {
  const [first, second] = [new Gate(), new Gate()];
  const service = oneStage(
    async (io) => {
      await io.write('covered ');
      await first.passed;
      io.snapshot();
      await io.write('not covered');
      await second.passed;
    },
    only({ output: 'held' }),
  );
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.is(world.client.text, '');
    first.open();
    await world.pass();
    t.is(world.client.text, 'covered ');
    second.open();
    await world.pass();
    t.is(world.client.text, 'covered not covered');
  });
});

test('[H2] held: a move before the snapshot loses nothing that the client has, so the destination may write other bytes', async (t) => {
  const service = oneStage(
    async (io, member) => {
      await line(io);
      await io.write(`from ${member}`);
      if (member === 1) await never();
    },
    only({ output: 'held' }),
  );
  await inServiceWorld({ service }, async (world) => {
    world.client.send('go\n');
    await world.pass();
    await world.move(2);
    t.deepEqual([world.client.text, world.client.state], ['from 2', 'ended']);
  });
});

test('[H3] held: a stage may write more than is buffered otherwise; its write resolves', async (t) => {
  const service = oneStage(
    async (io) => {
      await io.write('x'.repeat(3_000_000));
      io.snapshot();
    },
    only({ output: 'held' }),
  );
  await inServiceWorld({ service }, async (world) => {
    await world.pass(2_000);
    t.deepEqual([world.client.text.length, world.client.state], [3_000_000, 'ended']);
  });
});

test('[H4] a stage that was recorded by another has its own output mode where the connection goes on', async (t) => {
  for (const [first, second] of [
    ['held', 'live'],
    ['live', 'held'],
    ['verified', 'live'],
  ] as const) {
    const gate = new Gate();
    const service = (member: number): ServiceDefinition =>
      defineService({
        name: 'subject',
        version: 1,
        entry: 'first',
        fields: () => ({}),
        settings: { first: { output: first }, second: { output: second } },
        stages: {
          first: async (_session, io) => {
            io.snapshot({ stage: 'second' });
            return member === 1 ? never() : next('second');
          },
          second: async (_session, io) => {
            await io.write('second');
            await gate.passed;
            return done();
          },
        },
      });
    await inServiceWorld({ service }, async (world) => {
      await world.move(2);
      t.is(world.client.text, second === 'held' ? '' : 'second', `${first}, then ${second}`);
      gate.open();
      await world.pass();
      t.is(world.client.text, 'second');
    });
  }
});

/** The first stage leaves `leave` running; the second reads a line and answers it. */
function leaving(leave: (io: StageIo) => void, onError: (error: unknown) => void = () => undefined) {
  return (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      stages: {
        first: async (_session, io) => {
          leave(io);
          return Promise.resolve(next('second'));
        },
        second: async (_session, io) => {
          try {
            await io.write(`<${await line(io)}>`);
          } catch (error) {
            onError(error);
          }
          return done();
        },
      },
    });
}

test("[G1] what a stage left running can't use the connection: its calls reject, io.snapshot() throws, nothing goes unhandled", async (t) => {
  const gate = new Gate();
  const errors: unknown[] = [];
  const service = leaving((io) => {
    void gate.passed.then(async () => {
      const calls = [
        () => io.read(),
        () => io.readExactly(1),
        () => io.readUntil('\n', { maxLength: 9 }),
        () => io.write('x'),
        () => io.end(),
        () => io.once('key', () => undefined),
        () => io.use(() => ({ close: () => undefined })),
      ];
      const left = calls.map((call) => call());
      for (const promise of left) errors.push(await thrownBy(() => promise));
      errors.push(await thrownBy(() => io.snapshot()));
    });
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    gate.open();
    await world.pass();
    world.client.send('whole\n');
    await world.pass();
    t.is(errors.length, 8);
    t.true(errors.every((error) => error instanceof StageOver));
    t.is(world.client.text, '<whole>');
  });
});

test('[G2] a read that a stage left waiting takes nothing from the next one', async (t) => {
  for (const read of [(io: StageIo) => io.read(), (io: StageIo) => io.readExactly(3), line]) {
    const errors: unknown[] = [];
    const leftBehind: Promise<unknown>[] = [];
    const service = leaving(
      (io) => leftBehind.push(thrownBy(() => read(io))),
      (error) => errors.push(error),
    );
    await inServiceWorld({ service }, async (world) => {
      await world.pass();
      world.client.send('whole\n');
      await world.pass();
      t.deepEqual(errors, []);
      t.is(world.client.text, '<whole>');
      t.true((await leftBehind[0]) instanceof StageOver);
    });
  }
  // Nor does it keep what it had gathered.
  const gate = new Gate();
  const gathering = (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      stages: {
        first: async (_session, io) => {
          void io.readExactly(100);
          await gate.passed;
          return next('second');
        },
        second: async (_session, io) => {
          await io.write(`<${await line(io)}>`);
          return done();
        },
      },
    });
  await inServiceWorld({ service: gathering }, async (world) => {
    world.client.send('whole\n');
    await world.pass();
    gate.open();
    await world.pass();
    t.is(world.client.text, '<whole>');
  });
});

test('[G3] two reads at a time are one too many: the second is refused, the first goes on', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io) => {
    const first = line(io);
    errors.push(await thrownBy(() => io.read()));
    await io.write(await first);
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('whole\n');
    await world.pass();
    t.true(errors[0] instanceof OverlappingRead);
    t.is(world.client.text, 'whole');
  });
});

test('[G4] a write that nobody awaits arrives all the same', async (t) => {
  const service = leaving((io) => void io.write('left behind '));
  await inServiceWorld({ service }, async (world) => {
    world.client.send('whole\n');
    await world.pass();
    t.is(world.client.text, 'left behind <whole>');
  });
});

const BLOCK_LENGTH = 4_000;
const BLOCK_COUNT = 150;

/** Each byte says where in the stream it is. */
function fillFrom(bytes: Uint8Array, offset: number): void {
  for (let index = 0; index < bytes.length; index++) bytes[index] = ((offset + index) * 0x9e3779b1) >>> 24;
}

test('[G5] memory that is used again is what the client has: whatever is lost, repeated or moved', async (t) => {
  const memories = new Set<ArrayBufferLike>();
  const service = defineService({
    name: 'blocks',
    version: 1,
    entry: 'blocks',
    fields: () => ({ offset: 0 }),
    stages: {
      blocks: async (session, io) => {
        while (session.offset < BLOCK_COUNT * BLOCK_LENGTH) {
          const block = io.allocate(BLOCK_LENGTH);
          memories.add(block.buffer);
          fillFrom(block, session.offset);
          await io.write(block.subarray(0, 1_000));
          await io.write(block.subarray(1_000));
          session.offset += BLOCK_LENGTH;
          io.snapshot();
        }
        return done();
      },
    },
  });
  await inServiceWorld({ service }, async (world) => {
    world.stacks.network.conditions = { lossRate: 0.03, duplicationRate: 0.02, minDelayMs: 1, maxDelayMs: 3 };
    for (let count = 0; world.client.state === 'open' && count < 4_000; count++) {
      await world.pass(20);
      if (count % 8 === 7) await world.client.move(1 + (count % 2));
    }
    const expected = Buffer.alloc(BLOCK_COUNT * BLOCK_LENGTH);
    fillFrom(expected, 0);
    t.is(world.client.state, 'ended');
    t.true(Buffer.from(world.client.text, 'latin1').equals(expected));
    t.true(memories.size < BLOCK_COUNT, `${memories.size} memories`);
  });
});
