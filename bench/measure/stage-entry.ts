// What entering a stage with five small fields costs on a live, migratable connection, beside the stack's own `setState` of as
// many bytes in the same run.
//
// The service goes from stage to stage and does nothing else, so that a turn is all that the framework does for one: the call
// of the method, the look at its fields, the snapshot, and `setState`.

import { once } from 'node:events';
import {
  createApplication,
  done,
  next,
  Service,
  Snapshot,
  Stage,
  type Next,
  type StageConnection,
  type StageIo,
} from '@migratory/framework';
import { createNodeStack, type Stack } from '@migratory/stack';
import { measurement, type Measurement } from '../measurement.js';
import { addressOf, LOOPBACK, openMember, planService } from '../service.js';

const RUN_COUNT = 9;
const TURNS_PER_RUN = 50_000;
const AIM_MICROSECONDS = 5;

/** Microseconds for each stage that was entered, and the snapshots' length, by run. */
const turns: number[] = [];

@Service({ name: 'turns', version: 1 })
class Turns {
  @Snapshot() user: string = 'ada';
  @Snapshot() room: string = 'lobby';
  @Snapshot() turn: number = 0;
  @Snapshot() total: number = 0.5;
  @Snapshot() open: boolean = true;
  #startedAt = 0;

  @Stage({ entry: true })
  async begin(io: StageIo): Promise<Next<Turns>> {
    if ((await io.readExactly(1)) === undefined) return done();
    this.#startedAt = performance.now();
    this.turn = 0;
    return next('go');
  }

  @Stage()
  async go(io: StageIo): Promise<Next<Turns>> {
    this.turn++;
    this.total += 0.25;
    this.open = !this.open;
    if (this.turn < TURNS_PER_RUN) return Promise.resolve(next('go'));
    turns.push(((performance.now() - this.#startedAt) * 1000) / TURNS_PER_RUN);
    await io.write('.');
    return next('begin');
  }
}

export async function measureStageEntry(): Promise<readonly Measurement[]> {
  const [plan] = await planService(1);
  if (plan === undefined) throw new Error('no member');
  const stack = await openMember(plan);
  const accepted: StageConnection[] = [];
  const application = createApplication({
    stack: watched(stack, accepted),
    services: [{ service: Turns, port: addressOf(plan).port }],
  });
  await application.start();
  const client = await createNodeStack({ ip: LOOPBACK });
  const connection = client.connect({ address: addressOf(plan) });
  await once(connection, 'migratable');
  const bare: number[] = [];
  for (let run = 0; run <= RUN_COUNT; run++) {
    connection.write('!');
    await once(connection, 'data');
    const [server] = accepted;
    if (server?.cid === undefined) throw new Error('the connection can not move: nothing would be measured');
    bare.push(setStates(server, application.counters.turns?.largestSnapshot ?? 0));
  }
  await Promise.all([client.close(), application.stop()]);
  await stack.close();
  const beyond = turns.slice(1).map((turn, index) => turn - (bare[index + 1] ?? 0));
  return [
    measurement('stage entered, five small fields', 'µs', turns.slice(1)),
    measurement('setState of as many bytes', 'µs', bare.slice(1)),
    measurement('stage entered, beyond setState', 'µs', beyond, {
      kind: 'at-most',
      value: AIM_MICROSECONDS,
      of: 'median',
    }),
  ];
}

/** The stack, with its accepted connections kept for the comparison. */
function watched(
  stack: Stack,
  accepted: StageConnection[],
): Pick<Stack, 'clock' | 'entropy' | 'otherMembers' | 'unconfirmedCount' | 'listen'> {
  const { clock, entropy, otherMembers, unconfirmedCount } = stack;
  return {
    clock,
    entropy,
    otherMembers,
    unconfirmedCount,
    listen: (options, onConnection) =>
      stack.listen(options, (connection) => {
        accepted.push(connection);
        onConnection(connection);
      }),
  };
}

/** Microseconds per call. */
function setStates(connection: StageConnection, length: number): number {
  const startedAt = performance.now();
  for (let call = 0; call < TURNS_PER_RUN; call++) {
    const state = new Uint8Array(length);
    state[0] = call;
    connection.setState(state);
  }
  return ((performance.now() - startedAt) * 1000) / TURNS_PER_RUN;
}
