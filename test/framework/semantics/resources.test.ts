// What a stage opens, and sub-protocols (docs/semantics.md, U, D).

import test from 'ava';
import {
  Delegate,
  defineService,
  done,
  NotClosable,
  next,
  Service,
  Snapshot,
  Stage,
  type Next,
  type ServiceDefinition,
  type StageIo,
} from '@migratory/framework';
import { Gate, inServiceWorld, oneStage, textOf, thrownBy } from '../../support/service-world.js';

/** Opens a thing that says in `log` when it is opened and closed. */
async function open(io: StageIo, log: string[], name: string): Promise<string> {
  return io.use(
    () => {
      log.push(`open ${name}`);
      return name;
    },
    () => log.push(`close ${name}`),
  );
}

test('[U1] what a stage has opened is closed, the last first, before the next stage begins', async (t) => {
  const log: string[] = [];
  const service = (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      stages: {
        first: async (_session, io) => {
          for (const name of ['a', 'b']) await open(io, log, name);
          await io.use(() => ({ close: () => log.push('close c') }));
          return next('second');
        },
        second: async () => {
          log.push('second');
          return Promise.resolve(done());
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.deepEqual(log, ['open a', 'open b', 'close c', 'close b', 'close a', 'second']);
  });
});

test('[U2] where a stage fails, what it has opened is closed before @Failed tells', async (t) => {
  const log: string[] = [];
  const service = oneStage(
    async (io) => {
      await open(io, log, 'a');
      throw new Error('on purpose');
    },
    { failed: () => void log.push('failed') },
  );
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.deepEqual(log, ['open a', 'close a', 'failed']);
  });
});

test('[U3] when the connection leaves, what is open is closed at once, and what that makes the stage throw is no failure', async (t) => {
  const log: string[] = [];
  const gate = new Gate();
  const service = oneStage(async (io, member) => {
    if (member === 2) return;
    for (const name of ['a', 'b']) await open(io, log, name);
    await gate.passed;
    throw new Error('the thing was closed');
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    await world.move(2);
    t.deepEqual(log, ['open a', 'open b', 'close b', 'close a']);
    gate.open();
    await world.pass();
    t.deepEqual([world.failures, world.counters(1).departed], [[], 1]);
  });
});

test('[U4] what is being opened when the connection leaves is closed as soon as it is open', async (t) => {
  const log: string[] = [];
  const gate = new Gate();
  const service = oneStage(async (io, member) => {
    if (member === 2) return;
    await io.use(
      () => gate.passed,
      () => log.push('closed'),
    );
    log.push('used');
  });
  await inServiceWorld({ service }, async (world) => {
    await world.move(2);
    t.deepEqual(log, []);
    gate.open();
    await world.pass();
    t.deepEqual([log, world.failures], [['closed'], []]);
  });
});

test("[U5] what can't be closed is reported, the rest is closed all the same, and the service goes on", async (t) => {
  const log: string[] = [];
  const service = oneStage(async (io) => {
    await open(io, log, 'a');
    await io.use(
      () => 'b',
      () => Promise.reject(new Error('stuck')),
    );
    await io.write('well');
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.deepEqual([log, world.failures], [['open a', 'close a'], ['not-closed']]);
    t.deepEqual([world.client.text, world.client.state], ['well', 'ended']);
  });
});

test('[U6] what has no way to be closed is refused; what open() throws is thrown', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io) => {
    errors.push(await thrownBy(() => io.use(() => 'a string')));
    errors.push(await thrownBy(() => io.use(() => Promise.reject(new Error('not found')))));
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.true(errors[0] instanceof NotClosable);
    t.regex(String(errors[1]), /not found/);
  });
});

class Login {
  @Snapshot() user: string = '';

  @Stage({ entry: true })
  async name(io: StageIo): Promise<Next<Login>> {
    this.user = textOf(await io.readUntil('\n', { maxLength: 20 }));
    await io.write('password? ');
    return next('password');
  }

  @Stage()
  async password(io: StageIo): Promise<Next<Login>> {
    const password = textOf(await io.readUntil('\n', { maxLength: 20 }));
    return password === this.user ? done() : next('name');
  }
}

@Service({ name: 'mail', version: 1 })
class Mail {
  @Delegate({ then: 'welcome' }) readonly login: Login = new Login();

  @Stage({ entry: true })
  async greeting(io: StageIo): Promise<Next<Mail>> {
    await io.write('name? ');
    return next('login');
  }

  @Stage()
  async welcome(io: StageIo): Promise<Next<Mail>> {
    await io.write(`welcome ${this.login.user}`);
    return done();
  }
}

test('[D1] next() enters a delegate at its entry; behind its done() the owner goes on at `then`', async (t) => {
  await inServiceWorld({ service: () => Mail }, async (world) => {
    world.client.send('ada\nada\n');
    await world.pass();
    t.deepEqual([world.client.text, world.client.state], ['name? password? welcome ada', 'ended']);
  });
});

test('[D2] a move inside of a delegate goes on in that stage of it, with the fields of both', async (t) => {
  await inServiceWorld({ service: () => Mail }, async (world) => {
    world.client.send('ada\na');
    await world.pass();
    t.is(await world.move(2), 'moved');
    world.client.send('da\n');
    await world.pass();
    t.deepEqual([world.client.text, world.client.state], ['name? password? welcome ada', 'ended']);
    t.is(world.counters(2).stagesEntered, 2);
  });
});

test("[D3] a delegate's failure is told by its owner, with the stage's full name in the report", async (t) => {
  class Broken {
    @Stage({ entry: true })
    async only(): Promise<Next<Broken>> {
      await Promise.resolve();
      throw new Error('on purpose');
    }
  }
  @Service({ name: 'owner', version: 1 })
  class Owner {
    @Delegate({ then: 'only' }) readonly part: Broken = new Broken();
    @Stage({ entry: true })
    async only(): Promise<Next<Owner>> {
      return Promise.resolve(next('part'));
    }
  }
  await inServiceWorld({ service: () => Owner }, async (world) => {
    await world.pass();
    t.like(world.failureReports[0], { kind: 'stage-failed', service: 'owner', stage: 'part.only' });
    t.is(world.client.state, 'lost');
  });
});
