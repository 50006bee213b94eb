// Members and clients as users of the stack have them, on a network in memory and a clock that the test owns.
//
// `play` runs what a test awaits: it gives the promises of the event loop their turns, and lets time jump to the next
// thing that is due whenever they have none left. A promise that nothing can settle any more ends in an error, at once.

import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import {
  MemoryNetwork,
  MemoryPeers,
  SeededEntropy,
  serviceIdentity,
  servicePublicKey,
  Stack,
  VirtualClock,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  type MemberId,
  type MigratoryConnection,
  type StackOptions,
} from '@migratory/stack';

/** An Ed25519 key for tests (RFC 8410), of 32 bytes that are all `filler`. */
export function testServiceKey(filler = 7): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, filler)]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

export function testServicePublicKey(filler = 7): Uint8Array {
  return servicePublicKey(createPublicKey(testServiceKey(filler)).export({ format: 'pem', type: 'spki' }).toString());
}

export type StackLimits = Pick<StackOptions, 'tcp' | 'migration' | 'limits' | 'lingerMs'>;

export interface StackWorldOptions extends StackLimits {
  readonly memberCount?: number;
  readonly seed?: number;
}

export const SERVICE_PORT = 80;
/** How often the event loop gets a turn before a world in which nothing is due counts as standing still. */
const IDLE_TURN_COUNT = 20;

export class StackWorld {
  readonly clock = new VirtualClock();
  readonly entropy: SeededEntropy;
  readonly network: MemoryNetwork;
  readonly peers: MemoryPeers;
  readonly #options: StackWorldOptions;
  readonly #members = new Map<MemberId, Stack>();
  #clientCount = 0;

  constructor(options: StackWorldOptions = {}) {
    this.#options = options;
    this.entropy = new SeededEntropy(options.seed ?? 1);
    this.network = new MemoryNetwork(this.clock, this.entropy);
    const { clock, network } = this;
    this.peers = new MemoryPeers({ clock, network, ipOf: memberIp, delayMs: 0.2 });
    for (let id = 1; id <= (options.memberCount ?? 0); id++) this.#members.set(id, this.#startMember(id));
  }

  #startMember(id: MemberId): Stack {
    const ids = Array.from({ length: this.#options.memberCount ?? 0 }, (_, index) => index + 1);
    const members = ids.map((member) => ({ id: member, address: memberAddress(member) }));
    const identity = serviceIdentity(testServiceKey());
    return this.#start(memberIp(id), { membership: { id, members, identity, channel: this.peers.attach(id) } });
  }

  #start(ip: string, options: Partial<StackOptions>): Stack {
    const { clock, entropy, network } = this;
    return new Stack({ ...this.#options, driver: network.attach(ip), clock, entropy, ...options });
  }

  member(id: MemberId): Stack {
    const stack = this.#members.get(id);
    if (stack === undefined) throw new RangeError(`there is no member ${id}`);
    return stack;
  }

  /** A host outside of the service, for clients or for a plain server. */
  host(limits: StackLimits = {}): Stack {
    this.#clientCount++;
    return this.#start(`10.1.0.${this.#clientCount}`, limits);
  }

  /** Runs the world until `promise` is settled. */
  async play<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await this.until(() => settled);
    return promise;
  }

  /** Runs the world until `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    for (let idleCount = 0; idleCount < IDLE_TURN_COUNT; idleCount++) {
      await turn();
      if (condition()) return;
      if (this.clock.step()) idleCount = 0;
    }
    throw new Error('the world stands still, and what the test waits for has not come');
  }

  /** In what is played: goes on when so much time has passed. */
  pass(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.wakeAt(this.clock.now() + durationMs, resolve);
    });
  }
}

export function memberIp(id: MemberId): string {
  return `10.0.0.${id}`;
}

export function memberAddress(id: MemberId): { readonly ip: string; readonly port: number } {
  return { ip: memberIp(id), port: SERVICE_PORT };
}

/** One turn of the event loop: all promises and ticks that can go on have gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A service of some members, a connected client, and what has come to each member. */
export interface Service {
  readonly world: StackWorld;
  readonly clientStack: Stack;
  readonly client: MigratoryConnection;
  /** Connections accepted so far, by member, oldest first. */
  readonly accepted: { readonly member: MemberId; readonly connection: MigratoryConnection }[];
  /** By member, the first member's first. */
  readonly listeners: readonly Listener[];
}

export interface ServiceOptions extends StackWorldOptions {
  readonly connect?: Partial<ConnectOptions>;
  readonly listen?: Partial<ListenOptions>;
  readonly client?: StackLimits;
  /** The application: what each member does with a connection, new or moved. */
  readonly serve?: (connection: MigratoryConnection, member: MemberId) => void;
}

/** Starts the members, listens everywhere, and connects a client to member 1; the promise needs `world.play`. */
export function startService(options: ServiceOptions = {}): { world: StackWorld; started: Promise<Service> } {
  const world = new StackWorld({ memberCount: 3, ...options });
  return { world, started: start(world, options) };
}

async function start(world: StackWorld, options: ServiceOptions): Promise<Service> {
  const accepted: Service['accepted'] = [];
  const listeners: Listener[] = [];
  for (let id = 1; id <= (options.memberCount ?? 3); id++) {
    const listener = await world.member(id).listen({ port: SERVICE_PORT, ...options.listen }, (connection) => {
      accepted.push({ member: id, connection });
      options.serve?.(connection, id);
    });
    listeners.push(listener);
  }
  const clientStack = world.host(options.client);
  const client = clientStack.connect({ address: memberAddress(1), ...options.connect });
  await once(client, 'migratable');
  return { world, clientStack, client, accepted, listeners };
}

/** Plays a test in a service: `body` is awaited while the world runs. */
export async function inService<Result>(
  options: ServiceOptions,
  body: (service: Service) => Promise<Result>,
): Promise<Result> {
  const { world, started } = startService(options);
  return world.play(started.then(body));
}
