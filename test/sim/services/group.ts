// The members of one service: each a machine with a real stack and a real application, which may die and come back.

import { createApplication, type Application, type ListeningStack, type Report } from '@migratory/framework';
import {
  serviceIdentity,
  MemoryPeers,
  ReplayDiverged,
  Stack,
  type Address,
  type MemberId,
  type MemoryDriver,
  type MemoryNetwork,
  type PeerChannel,
  type StackOptions,
  type VirtualClock,
} from '@migratory/stack';
import { lockOf } from '@migratory/stack/internal/migration/connection.js';
import { SERVICE_PORT, testServiceKey } from '../../support/stack-world.js';
import { Draw } from '../draw.js';
import { Machine } from './machine.js';
import { NATURES } from './natures.js';
import type { Oracle } from './oracle.js';
import type { Outside } from './outside.js';
import type { GroupPlan, ServicesScenario } from './scenario.js';
import { Site } from './site.js';

const SERVICE_IDENTITY = serviceIdentity(testServiceKey());

/** What all machines of a world share. */
export interface Surroundings {
  readonly scenario: ServicesScenario;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly oracle: Oracle;
  readonly draw: Draw;
  readonly outside: Outside;
  /** What the framework reports. */
  readonly report: (machine: Machine, report: Report) => void;
  readonly say: (line: string) => void;
}

/** A member's process, from its start to its end. */
interface Process {
  readonly machine: Machine;
  readonly site: Site;
  readonly driver: MemoryDriver;
  readonly stack: Stack;
  readonly application: Application;
}

export class Group {
  readonly plan: GroupPlan;
  readonly members: readonly Member[];
  readonly peers: MemoryPeers;

  constructor(index: number, plan: GroupPlan, surroundings: Surroundings) {
    this.plan = plan;
    const { clock, network, scenario } = surroundings;
    const ipOf = (member: MemberId): string => `10.0.${index}.${member}`;
    this.peers = new MemoryPeers({ clock, network, ipOf, delayMs: scenario.peerDelayMs });
    const ids = Array.from({ length: plan.memberCount }, (_, at) => at + 1);
    const addresses = ids.map((id) => ({ id, address: { ip: ipOf(id), port: SERVICE_PORT } }));
    this.members = addresses.map(({ id, address }) => new Member(id, address, addresses, this, surroundings));
  }
}

export class Member {
  readonly id: MemberId;
  readonly address: Address;
  process: Process | undefined;
  isLeaving = false;
  readonly #members: readonly { readonly id: MemberId; readonly address: Address }[];
  readonly #group: Group;
  readonly #around: Surroundings;
  #startCount = 0;

  constructor(
    id: MemberId,
    address: Address,
    members: readonly { readonly id: MemberId; readonly address: Address }[],
    group: Group,
    surroundings: Surroundings,
  ) {
    this.id = id;
    this.address = address;
    this.#members = members;
    this.#group = group;
    this.#around = surroundings;
  }

  /** A new process, with a new incarnation. */
  async start(): Promise<void> {
    const { scenario, clock, network, oracle, draw, report, outside } = this.#around;
    const { service } = this.#group.plan;
    this.#startCount++;
    this.isLeaving = false;
    const machine = new Machine(`${service} ${this.id}.${this.#startCount}`, clock);
    const site = new Site(machine, oracle, new Draw(draw.u32()), scenario, outside);
    const driver = network.attach(this.address.ip, scenario.mtu);
    const channel = traced(this.#group.peers.attach(this.id), (to, what) => {
      this.#around.say(`${machine.name} to member ${to}: ${what}`);
    });
    const membership = { id: this.id, members: this.#members, identity: SERVICE_IDENTITY, channel };
    const stack = new Stack({ ...stackLimits(scenario), driver, clock: machine, entropy: draw, membership });
    site.isLocked = (cid) =>
      stack.host.migratoryConnections().some((each) => each.cid === cid && lockOf(each.record) !== 'open');
    const application = createApplication({
      stack: watched(stack, machine, oracle),
      services: [{ port: SERVICE_PORT, ...NATURES[service].serve(site) }],
      report: (what) => report(machine, what),
    });
    this.process = { machine, site, driver, stack, application };
    this.#around.say(`${machine.name} starts`);
    await application.start();
  }

  /** The process is gone from one instant to the next. */
  crash(): void {
    const { process } = this;
    if (process === undefined) return;
    this.#around.say(`${process.machine.name} crashes`);
    process.machine.die();
    this.#around.oracle.excuse(process.machine, 'its member died');
    this.#around.oracle.died(process.machine);
    this.process = undefined;
    this.#around.network.attach(this.address.ip, this.#around.scenario.mtu);
    this.#group.peers.crash(this.id);
    void process.driver.close();
  }

  /** Lets connections go first, if there is time; answers when the process is gone. */
  async leave(manner: 'drain' | 'stop', timeoutMs: number): Promise<void> {
    const { process } = this;
    if (process === undefined || this.isLeaving) return;
    this.isLeaving = true;
    const { machine, application, stack } = process;
    const { oracle, say, clock } = this.#around;
    say(`${machine.name} leaves: ${manner}`);
    if (manner === 'drain') {
      const startedAt = clock.now();
      const { departed, ended, remaining } = await application.drain({ timeoutMs });
      say(`${machine.name}: ${departed} departed, ${ended} ended, ${remaining} remained`);
      // Who was done in time has given everything away.
      if (clock.now() >= startedAt + timeoutMs) oracle.excuse(machine, 'its member stopped');
    } else {
      oracle.excuse(machine, 'its member stopped');
      await application.stop();
    }
    if (!machine.isAlive) return;
    await stack.close();
    machine.die();
    oracle.died(machine);
    this.process = undefined;
  }
}

export function stackLimits({ tcp, migration, limits, lingerMs }: ServicesScenario): Partial<StackOptions> {
  return { tcp, migration, limits, lingerMs };
}

/** The stack as the application has it, with the oracle told of every connection first. */
function watched(stack: Stack, machine: Machine, oracle: Oracle): ListeningStack {
  return {
    clock: stack.clock,
    entropy: stack.entropy,
    otherMembers: stack.otherMembers,
    get unconfirmedCount() {
      return stack.unconfirmedCount;
    },
    listen: (options, onConnection) =>
      stack.listen(options, (connection) => {
        oracle.opened(machine, connection);
        connection.on('error', (error) => {
          if (error instanceof ReplayDiverged) oracle.diverged(connection);
        });
        connection.on('moved', () => oracle.departed(connection));
        connection.on('close', () => oracle.closed(connection));
        onConnection(connection);
      }),
  };
}

function traced(channel: PeerChannel, say: (to: MemberId, what: string) => void): PeerChannel {
  return {
    start: (receiver) => channel.start(receiver),
    send: (to, message) => {
      const detail = 'reason' in message ? ` ${message.reason}` : '';
      say(to, `${message.kind}${'epoch' in message ? ` epoch ${message.epoch}` : ''}${detail}`);
      channel.send(to, message);
    },
    close: () => channel.close(),
  };
}
