// The oracle of the services' world: it knows what every client said and must hear, and who may work for whom.
//
// It is told by the sockets, not by the framework, where a connection is; by the handlers what they get; by the clients
// what they read. The first violation ends the run, wherever it was found: handlers that run on have no say any more.

import type { Address, MigratoryConnection } from '@migratory/stack';
import { Violation, type Reached } from '../campaign.js';
import type { Dialogue } from './dialogue.js';
import type { Machine } from './machine.js';

/** How a handler names the connection that it works for. */
export interface Named {
  readonly cid: string | undefined;
  readonly client: Address;
}

/** A handler's right to work: it ends when the connection has left. */
export interface Owner {
  readonly machine: Machine;
  readonly connection: MigratoryConnection;
}

/** One client's connection, as the oracle follows it. */
export class Followed {
  readonly name: string;
  readonly ip: string;
  readonly service: string;
  readonly dialogue: Dialogue;
  readonly input: Uint8Array;
  readonly output: Buffer;
  cid: string | undefined;
  /** The member's process that serves now, and the one that did last. */
  owner: Owner | undefined;
  lastOwner: Machine | undefined;
  epoch = -1;
  /** In which the client last accepted a member. */
  acceptedEpoch = 0;
  /** The epoch of the owner that has died, until another one goes on. */
  deadEpoch: number | undefined;
  /** What its handler is at, innermost last. */
  readonly doing: string[] = [];
  consumedLength = 0;
  /** How often the client was served by another member than before. */
  arrivalCount = 0;
  /** The owner's stream has closed: its handler is over, though the connection may still deliver, and even move. */
  isClosed = false;
  /** Locked stages and effects under way. */
  lockCount = 0;
  /** How many of the drawn parts of the output are settled. */
  settledCount = 0;
  /** The same in the image that left last. */
  imageSettledCount = 0;
  /** A member that has died may have run what its client never saw, and another one runs that again. */
  mayRepeat = false;
  /** A handler has returned done(): no stage runs again. */
  isFinished = false;
  /** Why the connection need not survive: its member has died, gave it up, or could not be reached at the start. */
  excuse: string | undefined;

  constructor(ip: string, service: string, dialogue: Dialogue) {
    this.name = `${service} ${ip}`;
    this.ip = ip;
    this.service = service;
    this.dialogue = dialogue;
    this.input = Buffer.concat(dialogue.turns.map(({ input }) => Buffer.from(input)));
    this.output = Buffer.concat(dialogue.turns.map(({ output }) => Buffer.from(output)));
    for (const { at, length } of dialogue.drawn ?? []) this.output.fill(0, at, at + length);
  }
}

export class Oracle {
  readonly followed: Followed[] = [];
  readonly #byIp = new Map<string, Followed>();
  readonly #reached: Reached;
  readonly #say: (line: string) => void;
  violation: Violation | undefined;

  constructor(reached: Reached, say: (line: string) => void) {
    this.#reached = reached;
    this.#say = say;
  }

  /** Keeps the first one, and ends what is being done. */
  violate(invariant: string, what: string): never {
    this.violation ??= new Violation(`${invariant}: ${what}`);
    throw this.violation;
  }

  /** Only keeps it: whoever asks may be somebody whom an exception would lead astray. */
  check(condition: boolean, invariant: string, what: string): void {
    if (!condition) this.violation ??= new Violation(`${invariant}: ${what}`);
  }

  follow(followed: Followed): void {
    this.followed.push(followed);
    this.#byIp.set(followed.ip, followed);
  }

  find({ cid, client }: Named): Followed {
    const followed = this.#byIp.get(client.ip);
    if (followed === undefined) return this.violate('S4', `a handler works for ${client.ip}, which is no client`);
    followed.cid ??= cid; // it is known once the set-up is through
    const isSame = cid === undefined || followed.cid === cid; // it is forgotten where the connection is over
    this.check(isSame, 'S4', `${followed.name} has cid ${followed.cid ?? '-'}, a handler says ${cid ?? '-'}`);
    return followed;
  }

  /** S2. A member's stack gives a connection to its application. */
  opened(machine: Machine, connection: MigratoryConnection): void {
    const followed = this.#byIp.get(connection.remoteAddress.ip);
    if (followed === undefined) return this.violate('S4', `${machine.name} serves a client that does not exist`);
    const { owner, name } = followed;
    const isFree = owner === undefined || followed.isClosed;
    this.check(isFree, 'S2', `${machine.name} serves ${name}, which ${owner?.machine.name ?? ''} serves`);
    const { epoch, cid } = connection;
    if (followed.lastOwner !== undefined) {
      this.check(connection.getState().kind === 'migrated', 'S5', `${machine.name} takes ${name} for a new connection`);
      this.check(
        epoch > followed.epoch,
        'S2',
        `${machine.name} serves ${name} at epoch ${epoch} after ${followed.epoch}`,
      );
      // What its client accepted is over with the member that died: nobody goes on from an image of before.
      const { deadEpoch, acceptedEpoch } = followed;
      const isUnseen = deadEpoch === undefined || acceptedEpoch < deadEpoch;
      this.check(
        isUnseen,
        'S2',
        `${machine.name} serves ${name} from before epoch ${acceptedEpoch}, which was accepted`,
      );
      followed.mayRepeat ||= deadEpoch !== undefined;
      followed.deadEpoch = undefined;
      followed.arrivalCount++;
      this.#reached.count('arrivals', followed.service);
    }
    this.#say(`${machine.name} serves ${name}, cid ${cid ?? '-'}, epoch ${epoch}`);
    followed.cid ??= cid;
    followed.epoch = epoch;
    followed.owner = { machine, connection };
    followed.lastOwner = machine;
    followed.isClosed = false;
    followed.doing.length = 0;
    followed.lockCount = 0;
  }

  departed(connection: MigratoryConnection): void {
    const followed = this.#byConnection(connection);
    if (followed === undefined) return;
    const at = followed.doing.at(-1) ?? 'between stages';
    this.#say(`${followed.owner?.machine.name ?? ''} gives ${followed.name} away, during ${at}`);
    this.#reached.count('moved during', at);
    this.check(followed.lockCount === 0, 'S7', `${followed.name} left during ${at}, which is locked`);
    followed.owner = undefined;
    followed.imageSettledCount = followed.settledCount;
  }

  closed(connection: MigratoryConnection): void {
    const followed = this.#byConnection(connection);
    if (followed === undefined) return;
    this.#say(`${followed.owner?.machine.name ?? ''} closes ${followed.name}`);
    followed.isClosed = true;
  }

  #byConnection(connection: MigratoryConnection): Followed | undefined {
    return this.followed.find(({ owner }) => owner?.connection === connection);
  }

  /** S2. A stage begins at a member: the one where the connection is. */
  entered(machine: Machine, at: Named & { readonly epoch: number }, stage: string): Owner {
    this.check(machine.isAlive, 'S2', `${machine.name} is dead, and enters ${stage}`);
    const { owner, name, isFinished } = this.find(at);
    if (owner?.machine !== machine || owner.connection.epoch !== at.epoch) {
      return this.violate('S2', `${machine.name} enters ${stage} for ${name}, which is not there`);
    }
    this.check(!isFinished, 'S2', `${machine.name} enters ${stage} for ${name}, which had finished`);
    this.#reached.count('stages', stage);
    return owner;
  }

  /** S2. A handler goes on with what io gave it. */
  progress(owner: Owner, at: Named, what: string): void {
    const { machine } = owner;
    this.check(machine.isAlive, 'S2', `${machine.name} is dead, and its handler is at ${what}`);
    const followed = this.find(at);
    const isOwner = followed.owner === owner;
    this.check(
      isOwner,
      'S2',
      `a handler of ${machine.name} goes on with ${followed.name}, which is not there: ${what}`,
    );
  }

  /** A handler is told that its connection has moved: then it must have. */
  toldMoved(owner: Owner, at: Named, what: string): void {
    const followed = this.find(at);
    const isOwner = followed.owner === owner;
    this.check(!isOwner, 'S5', `a handler is told that ${followed.name} has moved, and it is still there: ${what}`);
  }

  /** Notes what a handler waits for, until the answer is called. */
  doing(at: Named, what: string): () => void {
    const { doing } = this.find(at);
    doing.push(what);
    return () => {
      const index = doing.lastIndexOf(what);
      if (index >= 0) doing.splice(index, 1);
    };
  }

  /** The stream that has closed by itself, with both its ends, takes no restart point any more. */
  finished(at: Named): void {
    const followed = this.find(at);
    if (!followed.isClosed && followed.owner?.connection.destroyed === false) followed.isFinished = true;
  }

  /** S1. What a handler reads at an offset that its fields know. */
  consumed(at: Named, offset: number, bytes: Uint8Array): void {
    const followed = this.find(at);
    const end = offset + bytes.length;
    const isRight = Buffer.compare(followed.input.subarray(offset, end), bytes) === 0;
    this.check(isRight, 'S1', `the handler of ${followed.name} read wrong bytes at offset ${offset}`);
    followed.consumedLength = Math.max(followed.consumedLength, end);
  }

  inputEnded(at: Named, offset: number): void {
    const { input, name } = this.find(at);
    this.check(offset === input.length, 'S1', `the input of ${name} ended after ${offset} of ${input.length} bytes`);
  }

  /** Held output: what was drawn by a restart point is so for good. */
  settled(at: Named, drawn: readonly string[]): void {
    const followed = this.find(at);
    const { dialogue, output, name } = followed;
    const parts = dialogue.drawn ?? [];
    drawn.forEach((text, index) => {
      const part = parts[index];
      if (part === undefined) return this.violate('S1', `${name} was given ${drawn.length} of ${parts.length}`);
      const known = output.subarray(part.at, part.at + part.length);
      if (index >= followed.settledCount) Buffer.from(text).copy(known);
      else this.check(known.toString() === text, 'S1', `${name} had ${known.toString()}, and now it is ${text}`);
    });
    this.check(drawn.length >= followed.settledCount, 'S1', `${name} has lost what was drawn for it`);
    followed.settledCount = drawn.length;
  }

  locked(owner: Owner, at: Named): void {
    const followed = this.find(at);
    if (followed.owner === owner) followed.lockCount++;
  }

  unlocked(owner: Owner, at: Named): void {
    const followed = this.find(at);
    if (followed.owner === owner) followed.lockCount--;
  }

  /** Output that was written again was another: the connection ends, and rightly so where the service can't but vary. */
  diverged(connection: MigratoryConnection): void {
    const followed = this.#byConnection(connection);
    if (followed === undefined) return;
    this.check((followed.dialogue.alike ?? []).length > 0, 'S1', `${followed.name} diverged, though it does not vary`);
    this.#reached.count('outcomes', 'diverged');
    followed.excuse ??= 'it diverged';
  }

  /** S1. What a client reads. */
  heard(followed: Followed, offset: number, bytes: Uint8Array): void {
    const { output, name, dialogue } = followed;
    for (const { at, length } of dialogue.alike ?? []) {
      // The first byte that is heard says what the others must be.
      if (offset <= at && at < offset + bytes.length) output.fill(bytes[at - offset] ?? 0, at, at + length);
    }
    if (Buffer.compare(output.subarray(offset, offset + bytes.length), bytes) === 0) return;
    this.check(false, 'S1', `${name} heard at ${offset} ${show(bytes)}, not ${show(output.subarray(offset))}`);
  }

  /** The process gives up what it has, or loses it: of that alone the clients may be told no more than that it is lost. */
  excuse(machine: Machine, why: string): void {
    for (const followed of this.#heldBy(machine)) followed.excuse ??= why;
  }

  /** While nobody serves, the image is on its way, or the last owner keeps it. */
  #heldBy(machine: Machine): Followed[] {
    return this.followed.filter(
      ({ owner, lastOwner }) => owner?.machine === machine || (!owner && lastOwner === machine),
    );
  }

  /** Whoever takes the connection up again, as its client never saw the dead process, knows nothing of what that did. */
  died(machine: Machine): void {
    for (const followed of this.#heldBy(machine)) {
      if (followed.owner === undefined) continue;
      followed.owner = undefined;
      followed.deadEpoch = followed.epoch;
      followed.isFinished = false;
      followed.settledCount = followed.imageSettledCount;
    }
  }
}

function show(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes.subarray(0, 60)).toString('latin1'));
}
