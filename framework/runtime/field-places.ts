// Where the fields of a handler are: in the session, or in the object of one of its delegates.
//
// A field's name has the path of its delegate before it: `login.user` is `session.login.user`. The places are found out once
// for each service; of a connection there is only kept what can't be shared with the others.
//   F2. At every restart point all fields outside the snapshot are what they were when the handler was built: after a
//       move they would be that again. Compared by identity; a container that is changed inside is not noticed.

import { FieldNotSnapshotted } from '../errors.js';
import type { StagePlan } from '../plan.js';
import type { Session } from './handler.js';

/** An object that has fields: the session, whose path is empty, or a delegate's. */
interface Owner {
  readonly path: readonly string[];
  /** Its snapshot fields. */
  readonly inside: ReadonlySet<string>;
}

interface Place {
  readonly owner: number;
  readonly property: string;
}

/** Which fields the handlers of a service have outside of their snapshots. */
interface Surroundings {
  /** By owner: the fields that it had when it was built, in their order. */
  readonly names: readonly (readonly string[])[];
  readonly places: readonly Place[];
  /** By owner: the names of all its fields, those of the snapshot included. */
  readonly known: readonly ReadonlySet<string>[];
}

/** What a handler had outside of its snapshot when it was built. */
export interface Outside {
  readonly surroundings: Surroundings;
  readonly values: readonly unknown[];
}

export class FieldPlaces {
  readonly #service: string;
  readonly #owners: readonly Owner[];
  readonly #places: readonly Place[];
  /** Of the handler that was looked at last: mostly the next one has the same fields, often the same values. */
  #last: Outside | undefined;

  constructor(plan: Pick<StagePlan, 'service' | 'fields' | 'delegates'>) {
    this.#service = plan.service;
    // Owners before what they own, so that a delegate that was replaced is noticed before its fields are.
    const paths = ['', ...plan.delegates.map(({ name }) => name)].sort((a, b) => depthOf(a) - depthOf(b));
    const places = plan.fields.map(({ name }) => placeOf(name, paths));
    this.#places = places;
    this.#owners = paths.map((path, owner) => ({
      path: path === '' ? [] : path.split('.'),
      inside: new Set(places.filter((place) => place.owner === owner).map(({ property }) => property)),
    }));
  }

  /** The value of the plan's field `index`. Throws `FieldNotSnapshotted` where its delegate is gone. */
  read(session: Session, index: number, stage: string): unknown {
    const place = this.#places[index] as Place;
    return (place.owner === 0 ? session : this.#ownerIn(session, place.owner, stage))[place.property];
  }

  write(session: Session, index: number, value: unknown): void {
    const place = this.#places[index] as Place;
    this.#ownerIn(session, place.owner, 'arrival')[place.property] = value;
  }

  /** For a handler that has just been built. */
  outsideOf(session: Session): Outside {
    const owners = this.#owners.map((_, owner) => this.#ownerIn(session, owner, 'building'));
    const names = owners.map((owner) => Object.keys(owner));
    const last = this.#last?.surroundings;
    const surroundings = last !== undefined && isSame(names, last.names) ? last : this.#surroundingsOf(names);
    const values = surroundings.places.map(({ owner, property }) => owners[owner]?.[property]);
    if (surroundings === last && values.every((value, index) => Object.is(value, this.#last?.values[index]))) {
      return this.#last as Outside;
    }
    this.#last = { surroundings, values };
    return this.#last;
  }

  #surroundingsOf(names: readonly (readonly string[])[]): Surroundings {
    return {
      names,
      places: names.flatMap((list, owner) =>
        list.filter((name) => !this.#owners[owner]?.inside.has(name)).map((property) => ({ owner, property })),
      ),
      known: names.map((list, owner) => new Set([...list, ...(this.#owners[owner]?.inside ?? [])])),
    };
  }

  /** Throws `FieldNotSnapshotted` for the first field that would be lost in a move (F2). Cheap: looks at known fields. */
  checkKnown(session: Session, { surroundings, values }: Outside, stage: string): void {
    const { places } = surroundings;
    for (let index = 0; index < places.length; index++) {
      const { owner, property } = places[index] as Place;
      const object = owner === 0 ? session : this.#ownerIn(session, owner, stage);
      if (!Object.is(object[property], values[index])) throw this.#lost(this.#pathOf({ owner, property }), stage);
    }
  }

  /** Like `checkKnown`, and also finds fields that were added since. */
  checkAll(session: Session, outside: Outside, stage: string): void {
    this.checkKnown(session, outside, stage);
    for (const [owner, known] of outside.surroundings.known.entries()) {
      for (const name of Object.keys(this.#ownerIn(session, owner, stage))) {
        if (!known.has(name)) throw this.#lost(this.#pathOf({ owner, property: name }), stage);
      }
    }
  }

  #ownerIn(session: Session, owner: number, stage: string): Session {
    const { path } = this.#owners[owner] as Owner;
    let object = session;
    for (const [index, step] of path.entries()) {
      const next = object[step];
      if (typeof next !== 'object' || next === null) throw this.#lost(path.slice(0, index + 1), stage);
      object = next as Session;
    }
    return object;
  }

  #lost(path: readonly string[], stage: string): FieldNotSnapshotted {
    return new FieldNotSnapshotted(this.#service, stage, path.join('.'));
  }

  #pathOf({ owner, property }: Place): readonly string[] {
    return [...(this.#owners[owner] as Owner).path, property];
  }
}

function depthOf(path: string): number {
  return path === '' ? 0 : path.split('.').length;
}

/** In the innermost object whose path leads to it; `paths` has outer ones first. */
function placeOf(name: string, paths: readonly string[]): Place {
  const owner = paths.findLastIndex((path) => path !== '' && name.startsWith(`${path}.`));
  if (owner === -1) return { owner: 0, property: name };
  return { owner, property: name.slice((paths[owner] as string).length + 1) };
}

function isSame(names: readonly (readonly string[])[], others: readonly (readonly string[])[]): boolean {
  return names.every((list, owner) => {
    const other = others[owner];
    return list.length === other?.length && list.every((name, index) => name === other[index]);
  });
}
