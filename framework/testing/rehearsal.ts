// A rehearsal: one run of a session, from the client's first byte to the end, with moves and crashes where they are wanted.
//
// Nothing happens at the same time as anything else: in a turn of the event loop the service does all that it can, then one
// thing is given to it. Output is delivered to the client only when the service can't go on without (or the client expects
// it), so that at every instant as much as possible is still on its way.
//   R1. A move falls between two inputs of a handler, never inside one (S3): in a turn of its own, or while the service's
//       code waits for something. Whatever it waits for may take as long as that.
//   R2. Nothing of a handler counts once its member has died, and nothing of a run once it is over.

import { AsyncLocalStorage } from 'node:async_hooks';
import { SeededEntropy, VirtualClock } from '@migratory/stack';
import type { Compilation } from '../compiler.js';
import { Hosting } from '../runtime/host.js';
import { hostedService } from '../runtime/hosted-service.js';
import type { Report } from '../runtime/report.js';
import { StageClock } from '../runtime/stage-clock.js';
import type { HostedService } from '../runtime/stay.js';
import { textOfThrown } from '../thrown.js';
import { MemberDied } from './errors.js';
import { excerpt, textOf, type Disturbance, type Effect, type RehearsedEffect } from './effect.js';
import { FakeClient, FakeConnection, type RegeneratedDifference } from './fake-connection.js';
import { Gate, nowhere, observed, type HandlerWatch, type Whereabouts } from './observer.js';
import type { Script, Step } from './scenario.js';
import { PATIENCE_TURNS, turn } from './turns.js';

export type CompiledService = Extract<Compilation, { kind: 'compiled' }>;

/** How a run ended. */
export type Ending =
  /** Both streams have ended in order; or the service has failed, and said so or was reset. */
  | { readonly kind: 'ended'; readonly how: 'in order' | 'reset' }
  /** Output was not what it had been, and nothing was gone on with. */
  | { readonly kind: 'regenerated'; readonly difference: RegeneratedDifference }
  /** Nothing is left that could be given to the service, or to the client. */
  | { readonly kind: 'stuck'; readonly waits: string };

/** A disturbance as it came to pass. */
export interface Happened {
  readonly disturbance: Disturbance;
  /** So many effects had been noted when it was asked for, and when it happened; the same, unless it had to wait for a lock. */
  readonly askedAt: number;
  readonly happenedAt: number;
  /** What could have been delivered to the client at the instant: at least two bytes, one byte or the end, or nothing. */
  readonly deliverable: 'bytes' | 'something' | 'nothing';
  /** What the client had. */
  readonly clientLength: number;
}

export interface Outcome {
  readonly effects: readonly RehearsedEffect[];
  readonly happened: readonly Happened[];
  readonly output: Uint8Array;
  readonly ending: Ending;
  readonly failures: readonly { readonly report: string; readonly error: unknown }[];
}

/** Runs the script once. Disturbances are in the order of their effects. */
export function rehearse(
  service: CompiledService,
  script: Script,
  disturbances: readonly Disturbance[],
): Promise<Outcome> {
  return new Rehearsal(service, script, disturbances).run();
}

/** One handler of a run, with the connection that it has. */
interface Stint {
  readonly generation: number;
  readonly gate: Gate;
  readonly whereabouts: Whereabouts;
  readonly connection: FakeConnection;
  hosting: 'running' | 'over';
}

interface RecordContext {
  readonly stint: Stint;
  readonly token: string | undefined;
}

/** Whose code is running, for what the world outside records: of all runs, since each promise knows its own. */
const recordContext = new AsyncLocalStorage<RecordContext>();

class Rehearsal {
  readonly #disturbances: Disturbance[];
  readonly #steps: Step[];
  readonly #hosted: HostedService;
  readonly #clock = new VirtualClock();
  readonly #client = new FakeClient('', 'more-to-come');
  readonly #effects: RehearsedEffect[] = [];
  readonly #happened: Happened[] = [];
  readonly #failures: { report: string; error: unknown }[] = [];
  readonly #stints: Stint[] = [];
  /** Without a world outside nobody asks who records, and knowing it is not free. */
  readonly #records: 'nothing' | 'effects';
  /** What has come, and waits for its turn to be served. */
  #arriving: FakeConnection | undefined;
  #due: Disturbance | undefined;
  #expectedOffset = 0;
  #state: 'running' | 'over' = 'running';

  constructor(service: CompiledService, script: Script, disturbances: readonly Disturbance[]) {
    this.#disturbances = [...disturbances];
    this.#steps = [...script.steps];
    this.#records = script.container === undefined ? 'nothing' : 'effects';
    this.#hosted = hostedService(service.plan, service.definition, {
      clock: new StageClock(this.#clock),
      entropy: new SeededEntropy(1),
      report: () => undefined,
      container: script.container?.((effect) => this.#record(effect)),
      limits: script.limits,
    });
  }

  async run(): Promise<Outcome> {
    this.#serve(new FakeConnection(this.#client));
    const ending = await this.#untilOver();
    this.#state = 'over';
    for (const { gate } of this.#stints) gate.kill(); // R2
    return {
      effects: this.#effects,
      happened: this.#happened,
      output: this.#client.received,
      ending,
      failures: this.#failures,
    };
  }

  async #untilOver(): Promise<Ending> {
    let idleTurnCount = 0;
    for (;;) {
      await turn();
      const { difference } = this.#client;
      if (difference !== undefined) return { kind: 'regenerated', difference };
      if (this.#disturbWhereDue()) continue;
      const progress = this.#goOn();
      if (progress === 'over') return { kind: 'ended', how: this.#howItEnded() };
      if (progress === 'went-on') idleTurnCount = 0;
      else if (progress === 'stuck' || ++idleTurnCount > PATIENCE_TURNS) {
        return { kind: 'stuck', waits: this.#whatWaits() };
      }
    }
  }

  get #current(): Stint {
    const stint = this.#stints.at(-1);
    if (stint === undefined) throw new TypeError('A run begins with a connection.');
    return stint;
  }

  #serve(connection: FakeConnection): void {
    const stint: Stint = {
      generation: this.#stints.length,
      gate: new Gate(),
      whereabouts: nowhere(),
      connection,
      hosting: 'running',
    };
    this.#stints.push(stint);
    const watch: HandlerWatch = {
      gate: stint.gate,
      note: (effect) => this.#note(stint, effect),
      within:
        this.#records === 'nothing'
          ? (_token, body) => body()
          : (token, body) => recordContext.run({ stint, token }, body),
    };
    const hosted: HostedService = {
      ...this.#hosted,
      report: (report) => this.#report(stint, report),
      createHandler: (context) => observed(this.#hosted.createHandler(context), watch, stint.whereabouts),
    };
    connection.on('error', () => undefined);
    new Hosting(hosted, connection, () => (stint.hosting = 'over'));
  }

  #counts(stint: Stint): boolean {
    return stint.gate.state !== 'dead' && this.#state === 'running'; // R2
  }

  #report(stint: Stint, report: Report): void {
    if ('error' in report && this.#counts(stint)) {
      const place = 'stage' in report ? ` in stage '${report.stage}'` : '';
      this.#failures.push({ report: `${report.kind}${place}: ${textOfThrown(report.error)}`, error: report.error });
    }
  }

  /** The world outside says that something in it has changed. */
  #record(effect: unknown): void {
    const { stint, token } = recordContext.getStore() ?? { stint: this.#stints.at(-1), token: undefined };
    if (stint === undefined) return; // while the world is being built
    if (!this.#counts(stint)) throw new MemberDied();
    this.#note(stint, { kind: 'outside', text: textOf(effect), token });
  }

  #note(stint: Stint, effect: Effect): void {
    if (!this.#counts(stint)) return;
    this.#effects.push({ effect, generation: stint.generation });
    const [next] = this.#disturbances;
    if (next === undefined || this.#effects.length <= next.afterEffect) return;
    this.#disturbances.shift();
    this.#due = next;
    stint.gate.close();
    // R1: who has called the world outside waits for its answer.
    if (effect.kind === 'outside') queueMicrotask(() => this.#disturbWhereDue());
    else if (effect.kind !== 'read') queueMicrotask(() => queueMicrotask(() => this.#disturbWithin(stint)));
  }

  /** While the service's code waits for something; where it has returned, what follows is one with its last step. */
  #disturbWithin(stint: Stint): void {
    if (stint.whereabouts.callCount > 0) this.#disturbWhereDue();
  }

  /** Answers whether anything was due. */
  #disturbWhereDue(): boolean {
    const due = this.#due;
    if (due === undefined) return false;
    this.#due = undefined;
    const stint = this.#current;
    const { connection } = stint;
    for (const { gate } of this.#stints) gate.open();
    if (!connection.isHere) return true;
    const { deliverableLength, canDeliver } = connection;
    connection.deliver({ nothing: 0, half: deliverableLength >> 1, everything: Infinity }[due.delivered]);
    const askedAt = this.#effects.length;
    const noteIt = (): void => {
      this.#happened.push({
        disturbance: due,
        askedAt,
        happenedAt: this.#effects.length,
        deliverable: deliverableLength > 1 ? 'bytes' : canDeliver ? 'something' : 'nothing',
        clientLength: this.#client.received.length,
      });
    };
    if (due.kind === 'crash') {
      stint.gate.kill();
      noteIt();
      this.#arriving = connection.crash();
    } else {
      connection.requestMove((destination) => {
        noteIt();
        this.#arriving = destination;
      });
    }
    return true;
  }

  /** Gives one thing that is waited for. */
  #goOn(): 'went-on' | 'waits-outside' | 'stuck' | 'over' {
    if (this.#arriving !== undefined) {
      const connection = this.#arriving;
      this.#arriving = undefined;
      this.#serve(connection);
      return 'went-on';
    }
    const living = this.#stints.filter(({ gate, hosting }) => gate.state !== 'dead' && hosting === 'running');
    if (living.length === 0) return 'over';
    const { connection, whereabouts, hosting } = this.#current;
    if (hosting === 'running') {
      const isBusy = whereabouts.callCount > 0 && whereabouts.waits.size === 0;
      if (isBusy) return 'waits-outside';
      if (this.#clientGoesOn(connection)) return 'went-on';
      if (connection.canDeliver && !connection.destroyed) {
        connection.deliver(Infinity);
        return 'went-on';
      }
      // What is being closed or cleaned up may still need its turns.
      return connection.destroyed ? 'waits-outside' : 'stuck';
    }
    return 'waits-outside'; // an older handler still cleans up
  }

  /** The client's next step, where it can be taken. */
  #clientGoesOn(connection: FakeConnection): boolean {
    if (connection.destroyed) return false;
    const [step] = this.#steps;
    const client = this.#client;
    switch (step?.kind) {
      case 'send':
        this.#steps.shift();
        client.send(step.bytes);
        connection.arrive(step.bytes.length);
        return true;
      case 'expect': {
        const at = client.received.indexOf(step.bytes, this.#expectedOffset);
        if (at < 0) return false;
        this.#expectedOffset = at + step.bytes.length;
        this.#steps.shift();
        return true;
      }
      case 'pass':
        this.#steps.shift();
        this.#clock.advanceTo(this.#clock.now() + step.durationMs);
        return true;
      case undefined:
        if (connection.inputHasEnded) return false;
        client.inputEnd = 'complete';
        connection.arrive(1);
        return true;
    }
  }

  #howItEnded(): 'in order' | 'reset' {
    return this.#client.receivedEnd === 'ended' ? 'in order' : 'reset';
  }

  #whatWaits(): string {
    const waits = this.#stints
      .filter(({ gate, hosting }) => gate.state !== 'dead' && hosting === 'running')
      .map(({ whereabouts: { callCount, stage, waits: calls } }) => {
        if (calls.size > 0) return `the service waits in ${[...calls].join(' and in ')}`;
        return callCount > 0
          ? `stage '${stage}' waits for something that is neither its io nor comes in ${PATIENCE_TURNS} turns`
          : 'the connection is not closed';
      });
    const [step] = this.#steps;
    if (step?.kind === 'expect') {
      const unread = this.#client.received.subarray(this.#expectedOffset);
      waits.push(`the client waits for ${excerpt(step.bytes)} and has got ${excerpt(unread)}`);
    }
    return waits.join('; ');
  }
}
