// A service in memory: members with whole stacks and applications, and a client's stack, on one network and one clock.
//
// Nothing listens on this machine and no time passes on it. While somebody waits for something (`play`) the world runs: all
// promises get their turns, then time jumps to the next thing that is due.
//   W1. Time makes small steps at once, so that segments arrive; before a large one (a time-out, a keep-alive) whatever the
//       service waits for outside of its connections gets many turns of the event loop.

import { createPrivateKey } from 'node:crypto';
import {
  MemoryNetwork,
  MemoryPeers,
  SeededEntropy,
  serviceIdentity,
  Stack,
  VirtualClock,
  type MigratoryConnection,
} from '@migratory/stack';
import type { Container } from 'inversify';
import { createApplication, type Application, type DrainOutcome } from '../application.js';
import type { ServiceSource } from '../definition.js';
import type { ServiceLimits } from '../limits.js';
import type { Reporter } from '../runtime/report.js';
import { WorldStandsStill } from './errors.js';
import { PATIENCE_TURNS, turn } from './turns.js';

export interface WorldOptions {
  readonly memberCount: number;
  readonly services: (member: number) => ServiceSource;
  readonly container: (member: number) => Container | undefined;
  readonly limits: Partial<ServiceLimits> | undefined;
  readonly report: Reporter;
  /** Virtual time after which what is waited for counts as not coming. */
  readonly patienceMs: number;
}

const SERVICE_PORT = 7;
const PEER_DELAY_MS = 0.2;
/** Steps of time that are made at once (W1): above the network's delays, below every time-out. */
const SMALL_STEP_MS = 50;
/** Turns of the event loop before a larger one. */
const TURNS_BEFORE_LARGE_STEP = 500;
const CLIENT_IP = '10.1.0.1';

export class World {
  readonly #clock = new VirtualClock();
  readonly #options: WorldOptions;
  readonly #applications = new Map<number, Application>();
  readonly #stacks: Stack[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  /** Starts all members and connects a client to the first. Rejects with what one of them rejects with. */
  async start(): Promise<MigratoryConnection> {
    const { memberCount } = this.#options;
    const entropy = new SeededEntropy(1);
    const network = new MemoryNetwork(this.#clock, entropy);
    const peers = new MemoryPeers({ clock: this.#clock, network, ipOf: memberIp, delayMs: PEER_DELAY_MS });
    const ids = Array.from({ length: memberCount }, (_, index) => index + 1);
    const members = ids.map((id) => ({ id, address: memberAddress(id) }));
    const identity = serviceIdentity(serviceKey());
    for (const id of ids) {
      const membership = { id, members, identity, channel: peers.attach(id) };
      const driver = network.attach(memberIp(id));
      await this.#startMember(id, new Stack({ driver, clock: this.#clock, entropy, membership }));
    }
    const stack = new Stack({ driver: network.attach(CLIENT_IP), clock: this.#clock, entropy });
    this.#stacks.push(stack);
    return stack.connect({ address: memberAddress(1), migration: 'required' });
  }

  async #startMember(id: number, stack: Stack): Promise<void> {
    const { services, container, limits, report } = this.#options;
    const containerOfMember = container(id);
    const binding = {
      service: services(id),
      port: SERVICE_PORT,
      ...(containerOfMember === undefined ? {} : { container: containerOfMember }),
      ...(limits === undefined ? {} : { limits }),
    };
    const application = createApplication({ stack, services: [binding], report });
    this.#stacks.push(stack);
    this.#applications.set(id, application);
    await application.start();
  }

  /** Runs the world until `promise` is settled, and answers it. Rejects with `WorldStandsStill` where it never will be. */
  async play<Result>(promise: Promise<Result>, wanted: string, patienceMs = this.#options.patienceMs): Promise<Result> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    const until = this.#clock.now() + patienceMs;
    for (let turnCount = 0; ; turnCount++) {
      await turn();
      if (isSettled) return promise;
      const due = this.#clock.nextWake();
      const patience = due <= this.#clock.now() + SMALL_STEP_MS ? 0 : TURNS_BEFORE_LARGE_STEP; // W1
      if (due <= until && turnCount >= patience) {
        this.#clock.step();
        turnCount = -1;
      } else if (turnCount >= PATIENCE_TURNS) {
        const waited = Number.isFinite(due) ? `in ${patienceMs} ms of virtual time` : 'and nothing is due any more';
        throw new WorldStandsStill(`${wanted} has not come, ${waited}.`);
      }
    }
  }

  /** Lets virtual time pass. */
  pass(durationMs: number): Promise<void> {
    const passed = new Promise<void>((resolve) => {
      this.#clock.wakeAt(this.#clock.now() + durationMs, resolve);
    });
    return this.play(passed, `${durationMs} ms`, durationMs);
  }

  drain(member: number): Promise<DrainOutcome> {
    const application = this.#applications.get(member);
    if (application === undefined) throw new RangeError(`There is no member ${member}.`);
    return this.play(application.drain(), `the end of the drain of member ${member}`);
  }

  /** Stops all members, and closes all stacks. */
  async close(): Promise<void> {
    const applications = [...this.#applications.values()];
    await this.play(Promise.all(applications.map((application) => application.stop())), 'the stop of all members');
    await this.play(Promise.all(this.#stacks.map((stack) => stack.close())), 'the close of all stacks');
  }
}

function memberIp(member: number): string {
  return `10.0.${member >> 8}.${member & 0xff}`;
}

function memberAddress(member: number): { readonly ip: string; readonly port: number } {
  return { ip: memberIp(member), port: SERVICE_PORT };
}

/** The same in every test: an Ed25519 key (RFC 8410) that protects nothing. */
function serviceKey(): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}
