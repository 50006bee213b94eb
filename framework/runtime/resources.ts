// What a run of a stage has opened, and has to be closed when the stage is left, however that happens.
//
//   U1. Everything that was opened is closed exactly once, the last one first, and each before the one below it.
//   U2. What opens while the stage is being left is closed as soon as it is open.
//   U3. A resource that can't be closed is reported; the others are closed all the same.

import { NotClosable, StageOver } from '../errors.js';

type Close = () => unknown;

export class Resources {
  readonly #stage: string;
  readonly #failed: (error: unknown) => void;
  #open: Close[] = [];
  #closing: Promise<void> | undefined;

  /** `failed` is told what closing threw. */
  constructor(stage: string, failed: (error: unknown) => void) {
    this.#stage = stage;
    this.#failed = failed;
  }

  /** Opens; throws what `open` throws, `NotClosable`, and `StageOver` where the stage has been left meanwhile. */
  async use<Resource>(
    open: () => Resource | Promise<Resource>,
    close: ((resource: Resource) => unknown) | undefined,
  ): Promise<Resource> {
    if (this.#closing !== undefined) throw new StageOver(this.#stage);
    const resource = await open();
    const closeIt = close === undefined ? ownClose(resource) : () => close(resource);
    if (closeIt === undefined) throw new NotClosable(this.#stage);
    if (this.#closing === undefined) {
      this.#open.push(closeIt);
      return resource;
    }
    await this.#close(closeIt); // U2
    throw new StageOver(this.#stage);
  }

  /** Closes all; resolves when everything is. Never rejects. */
  closeAll(): Promise<void> {
    this.#closing ??= this.#closeInTurn();
    return this.#closing;
  }

  async #closeInTurn(): Promise<void> {
    for (let close = this.#open.pop(); close !== undefined; close = this.#open.pop()) await this.#close(close); // U1
  }

  async #close(close: Close): Promise<void> {
    try {
      await close();
    } catch (error) {
      this.#failed(error); // U3
    }
  }
}

/** `Symbol.asyncDispose` and `Symbol.dispose` are not in every Node that we support. */
const DISPOSERS: readonly PropertyKey[] = [
  ...['asyncDispose', 'dispose'].flatMap((name) => {
    const symbol: unknown = Reflect.get(Symbol, name);
    return typeof symbol === 'symbol' ? [symbol] : [];
  }),
  'close',
];

function ownClose(resource: unknown): Close | undefined {
  if (typeof resource !== 'object' || resource === null) return undefined;
  for (const name of DISPOSERS) {
    const method: unknown = Reflect.get(resource, name);
    if (typeof method === 'function') return () => Reflect.apply(method, resource, []) as unknown;
  }
  return undefined;
}
