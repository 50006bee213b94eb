// Where a stage leads, in a service whose stages may belong to delegates.
//
// A stage's name has the path of its delegate before it: `login.password`. What it calls 'x' is `login.x`; where that is a
// delegate itself, its entry. Once a delegate has finished, the connection goes on at its owner's stage `then`.

import type { PlannedDelegate, PlannedStage } from './plan.js';

export class Routes {
  readonly #stages: ReadonlySet<string>;
  readonly #delegates: ReadonlyMap<string, PlannedDelegate>;

  constructor(plan: {
    readonly stages: readonly Pick<PlannedStage, 'name'>[];
    readonly delegates: readonly PlannedDelegate[];
  }) {
    this.#stages = new Set(plan.stages.map(({ name }) => name));
    this.#delegates = new Map(plan.delegates.map((delegate) => [delegate.name, delegate]));
  }

  /** The stage that `name` means in `stage`; undefined where it means none. */
  resolve(stage: string, name: string): string | undefined {
    return this.#resolveIn(ownerOf(stage), name);
  }

  /** Where the connection goes on when the part that `stage` belongs to has finished; undefined: the service has. */
  afterDone(stage: string): string | undefined {
    const path = ownerOf(stage);
    const delegate = this.#delegates.get(path);
    return delegate === undefined ? undefined : this.#resolveIn(ownerOf(path), delegate.then);
  }

  #resolveIn(owner: string, name: string): string | undefined {
    if (name.includes('.')) return undefined; // what is inside of a delegate is entered through it
    const full = owner === '' ? name : `${owner}.${name}`;
    const resolved = this.#delegates.get(full)?.entry ?? full;
    return this.#stages.has(resolved) ? resolved : undefined;
  }
}

/** The path of the object that a stage, or a delegate, belongs to: '' is the service itself. */
export function ownerOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}
