// The observer: notes what one handler does, and holds its `io` where a move or a crash is to come.
//
// It stands between the handler and the real `StageIo`, which stays in charge of everything.
//   O1. Writes and ends reach the connection at the call: a snapshot in the same breath covers them. Only their answer waits.
//   O2. While the gate is closed nothing that could go on does: reads, effects and openings begin only when it opens. A
//       network may be as slow as that at any time, so no instant is tried that could not come.
//   O3. Behind the gate a call ends as it would have ended there: after a move with `ConnectionMoved`.
//   O4. A handler whose member has died waits for ever.

import type { Departure } from '../definition.js';
import type { Address } from '@migratory/stack';
import type { Handler } from '../runtime/handler.js';
import type { ReadOptions, ReadUntilOptions, SnapshotPoint, StageIo } from '../stage-io.js';
import type { Effect } from './effect.js';
import { ConnectionLost } from '../errors.js';

/** Where the calls of one handler pass; one for each handler of a run. */
export class Gate {
  #waiting: (() => void)[] = [];
  #state: 'open' | 'closed' | 'dead' = 'open';

  get state(): 'open' | 'closed' | 'dead' {
    return this.#state;
  }

  close(): void {
    if (this.#state === 'open') this.#state = 'closed';
  }

  open(): void {
    if (this.#state !== 'closed') return;
    this.#state = 'open';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const proceed of waiting) proceed();
  }

  /** The member has died: nobody passes any more (O4). */
  kill(): void {
    this.#state = 'dead';
    this.#waiting = [];
  }

  async pass(): Promise<void> {
    while (this.#state !== 'open') {
      const { promise, resolve } = promiseWithResolver();
      this.#waiting.push(resolve);
      await promise;
    }
  }
}

function promiseWithResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** What a run is told of one of its handlers. */
export interface HandlerWatch {
  readonly gate: Gate;
  note(effect: Effect): void;
  /** Runs `body` so that what the world outside records in it is known to be this handler's. */
  within<Result>(token: string | undefined, body: () => Result): Result;
}

/** Where a handler is. */
export interface Whereabouts {
  /** Calls of the service's code that have not returned: stages, @Moved, @Failed. */
  callCount: number;
  stage: string;
  /** The calls of `io` that wait. */
  readonly waits: Set<string>;
}

export function nowhere(): Whereabouts {
  return { callCount: 0, stage: '', waits: new Set() };
}

export function observed(handler: Handler, watch: HandlerWatch, whereabouts: Whereabouts): Handler {
  const during = async (call: () => unknown): Promise<unknown> => {
    whereabouts.callCount++;
    try {
      return await watch.within(undefined, call);
    } finally {
      whereabouts.callCount--;
    }
  };
  let resumed: 'resumed' | 'entered' | undefined;
  return {
    session: handler.session,
    run: async (stage, io) => {
      if (watch.gate.state === 'dead') return new Promise(() => undefined); // O4
      resumed = resumed === undefined && io.epoch > 0 ? 'resumed' : 'entered';
      whereabouts.stage = stage;
      watch.note({ kind: 'enter', stage, resumed });
      const returned = await during(() => handler.run(stage, new ObservedIo(io, stage, watch, whereabouts)));
      if (isDone(returned)) watch.note({ kind: 'done', stage });
      return returned;
    },
    moved: async (departure: Departure) => {
      await during(() => handler.moved(departure));
    },
    failed: async (io, error) => {
      const observedIo = new ObservedIo(io, whereabouts.stage, watch, whereabouts);
      await during(() => handler.failed(observedIo, error));
    },
  };
}

function isDone(returned: unknown): boolean {
  return typeof returned === 'object' && returned !== null && 'kind' in returned && returned.kind === 'done';
}

class ObservedIo implements StageIo {
  readonly #io: StageIo;
  readonly #stage: string;
  readonly #watch: HandlerWatch;
  readonly #whereabouts: Whereabouts;

  constructor(io: StageIo, stage: string, watch: HandlerWatch, whereabouts: Whereabouts) {
    this.#io = io;
    this.#stage = stage;
    this.#watch = watch;
    this.#whereabouts = whereabouts;
  }

  get client(): Address {
    return this.#io.client;
  }

  get cid(): string | undefined {
    return this.#io.cid;
  }

  get epoch(): number {
    return this.#io.epoch;
  }

  get signal(): AbortSignal {
    return this.#io.signal;
  }

  read(options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#reading('read()', () => this.#io.read(options));
  }

  readUntil(delimiter: string | Uint8Array, options: ReadUntilOptions): Promise<Uint8Array | undefined> {
    const shown = JSON.stringify(typeof delimiter === 'string' ? delimiter : Buffer.from(delimiter).toString('latin1'));
    return this.#reading(`readUntil(${shown})`, () => this.#io.readUntil(delimiter, options));
  }

  readExactly(length: number): Promise<Uint8Array | undefined> {
    return this.#reading(`readExactly(${length})`, () => this.#io.readExactly(length));
  }

  #reading(label: string, read: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const stage = this.#stage;
    return this.#answered(label, 'when-open', read, (bytes) => {
      this.#watch.note({ kind: 'read', stage, bytes: bytes === undefined ? undefined : Uint8Array.from(bytes) });
    });
  }

  write(data: Uint8Array | string): Promise<void> {
    const bytes = Uint8Array.from(Buffer.from(data));
    return this.#answered(
      'write()',
      'at-once',
      () => {
        return this.#noting({ kind: 'write', stage: this.#stage, bytes }, () => this.#io.write(data));
      },
      () => undefined,
    );
  }

  allocate(length: number): Uint8Array {
    return this.#io.allocate(length);
  }

  end(): Promise<void> {
    return this.#answered(
      'end()',
      'at-once',
      () => {
        return this.#noting({ kind: 'end', stage: this.#stage }, () => this.#io.end());
      },
      () => undefined,
    );
  }

  /** Notes what has an effect at the call; where the connection has left it has none. */
  #noting(effect: Effect, call: () => Promise<void>): Promise<void> {
    const isHere = !this.#io.signal.aborted;
    const called = call();
    if (isHere) this.#watch.note(effect);
    return called;
  }

  snapshot(point?: SnapshotPoint): void {
    if (this.#watch.gate.state === 'dead') throw new ConnectionLost();
    this.#io.snapshot(point);
    this.#watch.note({ kind: 'snapshot', stage: this.#stage, goesOnAt: point?.stage ?? this.#stage });
  }

  once<Result>(key: string, effect: (token: string) => Result | Promise<Result>): Promise<Result> {
    let result: 'made' | 'recalled' = 'recalled';
    const observedEffect = (token: string): Result | Promise<Result> => {
      result = 'made';
      return this.#watch.within(token, () => effect(token));
    };
    return this.#answered(
      `once('${key}')`,
      'when-open',
      () => this.#io.once(key, observedEffect),
      () => this.#watch.note({ kind: 'once', stage: this.#stage, key, result }),
    );
  }

  use<Resource>(open: () => Resource | Promise<Resource>, close?: (resource: Resource) => unknown): Promise<Resource> {
    return this.#answered(
      'use()',
      'when-open',
      () => this.#io.use(open, close),
      () => this.#watch.note({ kind: 'use', stage: this.#stage }),
    );
  }

  #answered<Answer>(
    label: string,
    begin: 'at-once' | 'when-open',
    call: () => Promise<Answer>,
    note: (answer: Answer) => void,
  ): Promise<Answer> {
    const promise = this.#answer(label, begin, call, note);
    promise.catch(() => undefined); // as the real one: nobody has to await a write
    return promise;
  }

  async #answer<Answer>(
    label: string,
    begin: 'at-once' | 'when-open',
    call: () => Promise<Answer>,
    note: (answer: Answer) => void,
  ): Promise<Answer> {
    const { gate } = this.#watch;
    const { waits } = this.#whereabouts;
    const wait = `${label} of stage '${this.#stage}'`;
    waits.add(wait);
    try {
      if (gate.state === 'dead' || (begin === 'when-open' && gate.state !== 'open')) await gate.pass(); // O1, O2, O4
      const answer = await call();
      if (gate.state === 'dead') await gate.pass();
      note(answer);
      if (begin === 'at-once' && gate.state !== 'open') {
        await gate.pass();
        if (this.#io.signal.aborted) throw this.#io.signal.reason; // O3
      }
      return answer;
    } catch (error) {
      if (gate.state === 'dead') await gate.pass();
      throw error;
    } finally {
      waits.delete(wait);
    }
  }
}
