// One run: a scenario played in a world under the eyes of the oracle.
//
// What happens to the world is the scenario's: operators, faults and the attacker do it here, at their times.

import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { Datagram, Verdict } from '@migratory/stack/internal/drivers/memory.js';
import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { TRANSITIONS, type Phase } from '@migratory/stack/internal/migration/machine.js';
import type { MigratoryRecord } from '@migratory/stack/internal/migration/record.js';
import { leaveSilentMember, stay } from '@migratory/stack/internal/migration/policy.js';
import { movable } from '@migratory/stack/internal/tcp/freeze.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import { formatAddress } from '@migratory/stack/internal/wire/address.js';
import { formatSegment } from '@migratory/stack/internal/wire/format.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { Segment } from '@migratory/stack/internal/wire/segment.js';
import { cidOf, Oracle, Violation } from '../support/oracle.js';
import { memberIp, World, type Member, type WorldWatch } from '../support/world.js';
import { Attacker } from './attacker.js';
import { ClientApplication } from './client-application.js';
import { ServerApplication } from './server-application.js';
import type { Happening, Scenario } from './scenario.js';

/** What a run has reached, for the summary. */
export interface Reached {
  segments: number;
  moves: number;
  stays: number;
  lost: number;
  readonly refusals: Map<string, number>;
  readonly outcomes: Map<string, number>;
  /** Moves that a client could not even begin, by cause. */
  readonly impossible: Map<string, number>;
  /** Transitions between phases, as `from to`, from when a connection is known to the simulation. */
  readonly transitions: Set<string>;
}

export type Trace = (line: string) => void;

/** After the last fault is healed everything must be over within so much. */
const COMPLETION_MS = 3_000_000;
const QUIET_MS = 400_000;
const MAX_STEPS = 3_000_000;

export class Simulation implements WorldWatch {
  readonly world: World;
  readonly oracle: Oracle;
  readonly reached: Reached;
  readonly #scenario: Scenario;
  readonly #random: SeededEntropy;
  readonly #trace: Trace | undefined;
  readonly #attacker: Attacker;
  /** When the last connection was over, for both sides. */
  completedAtMs = Infinity;
  /** Decides about every datagram as it is sent. */
  onDatagram: ((datagram: Datagram) => Verdict) | undefined;
  readonly #cuts = new Map<object, readonly [string, string]>();

  constructor(scenario: Scenario, reached: Reached, trace?: Trace) {
    this.#scenario = scenario;
    this.reached = reached;
    this.#trace = trace;
    this.#random = new SeededEntropy(scenario.seed ^ 0x51b);
    this.world = new World(scenario, this);
    this.oracle = new Oracle(this.world);
    this.#attacker = new Attacker(this.world, new SeededEntropy(scenario.seed ^ 0xa77));
    this.world.network.observer = (datagram) => this.#observe(datagram);
  }

  /** Plays everything; throws a `Violation`. */
  run(): void {
    const { clock } = this.world;
    const { connections, happenings, healedAtMs } = this.#scenario;
    for (const plan of connections) {
      const machine = this.world.addClient();
      clock.wakeAt(plan.startAtMs, () => {
        const member = this.world.member(1 + (plan.target % this.world.members.length));
        const policy = plan.policy === 'stay' ? stay : leaveSilentMember(3);
        const random = new SeededEntropy(this.#random.u32());
        const client = new ClientApplication(machine, plan.exchange, plan.habits, random, { member, policy });
        this.oracle.follow(client);
        watchPhases(client.connection.record, this.reached);
        if (!member.isRunning) this.oracle.crashed(member.id);
        if (member.listener?.accepting === false) this.#giveUp(client);
      });
    }
    for (const { atMs, happening } of happenings) clock.wakeAt(atMs, () => this.happen(happening));
    this.#play(healedAtMs + COMPLETION_MS, () => this.#isComplete);
    this.completedAtMs = clock.now();
    this.oracle.assertComplete();
    this.#play(clock.now() + QUIET_MS, () => false);
    this.oracle.assertEmpty();
    this.#count();
  }

  get #isComplete(): boolean {
    const { followed } = this.oracle;
    return (
      followed.length === this.#scenario.connections.length &&
      this.world.clock.now() >= this.#scenario.healedAtMs &&
      followed.every(
        ({ client, serverOutcome, mayBeLost }) => client.isOver && (mayBeLost || serverOutcome !== undefined),
      )
    );
  }

  #play(untilMs: number, isOver: () => boolean): void {
    const { clock } = this.world;
    for (let steps = 0; !isOver() && clock.step(untilMs); steps++) {
      if (steps > MAX_STEPS) throw new Violation('S6: the world never comes to rest');
    }
  }

  #count(): void {
    const { reached } = this;
    for (const { client, mayBeLost } of this.oracle.followed) {
      increment(reached.outcomes, client.outcome);
      if (client.outcome !== 'finished' && mayBeLost) reached.lost++;
      for (const { from, to, refusals } of client.moves) {
        if (from === to) reached.stays++;
        else reached.moves++;
        for (const { reason } of refusals) increment(reached.refusals, reason);
      }
    }
  }

  opened(member: Member, connection: HostConnection): void {
    const cid = cidOf(connection) ?? '';
    const { oracle } = this;
    const followed = oracle.find(cid, connection.record.remote);
    if (followed === undefined) throw new Violation('S4: a connection opened for a client that does not exist');
    const random = new SeededEntropy(this.#random.u32());
    const application = new ServerApplication(member, connection, this.#scenario.habits, random, {
      consumed: (offset, bytes) => oracle.consumed(followed, offset, bytes),
      inputEnded: (offset) => oracle.inputEnded(followed, offset),
      closed: (event) => {
        this.#say(`member ${member.id}: ${event.kind}`);
        if (event.kind === 'departed') oracle.departed(followed, application);
        else if (event.kind === 'closed') oracle.closed(followed, application, event.reason);
      },
    });
    this.#say(`member ${member.id}: opened ${cid}`);
    watchPhases(connection.record, this.reached);
    connection.onEvent = (event) => {
      if (!member.isRunning) return;
      if (event.kind === 'confirmed') oracle.confirmed(followed, connection.record.remote);
      application.receiveEvent(event);
    };
    oracle.opened(followed, member.id, connection, application);
    application.later(0);
  }

  memberTransmits(member: MemberId, to: Address, segment: Segment): void {
    this.reached.segments++;
    this.oracle.memberTransmits(member, to, segment);
  }

  clientTransmits(_client: unknown, to: Address, segment: Segment): void {
    this.reached.segments++;
    this.oracle.clientTransmits(to, segment);
  }

  peerMessage(from: MemberId, to: MemberId, message: PeerMessage): void {
    this.#say(`member ${from} to member ${to}: ${describeMessage(message)}`);
    if (message.kind === 'refuse') increment(this.reached.refusals, message.reason);
    this.oracle.peerMessage(to, message);
  }

  #observe(datagram: Datagram): Verdict {
    const { from, to, segment } = datagram;
    this.#say(`${formatAddress(from)} > ${formatAddress(to)}: ${formatSegment(segment)}`);
    this.#attacker.see(datagram);
    return this.onDatagram?.(datagram) ?? 'pass';
  }

  /** Lets it happen now. */
  happen(happening: Happening): void {
    this.#say(`happening: ${JSON.stringify(happening)}`);
    const { world } = this;
    switch (happening.kind) {
      case 'move':
        this.#startMove(this.#client(happening.client), this.#member(happening.to).id);
        break;
      case 'advise':
        this.#advise(happening.client, this.#member(happening.to).id);
        break;
      case 'pull':
        this.#pull(this.#member(happening.from), this.#member(happening.to), happening.count);
        break;
      case 'rebind':
        this.#rebind(happening.client);
        break;
      case 'crash':
        this.#crash(this.#member(happening.member), happening.forMs);
        break;
      case 'drain':
        this.#drain(this.#member(happening.member), happening.forMs);
        break;
      case 'cut-members':
        this.#cut(this.#member(happening.from).address.ip, memberIp(this.#member(happening.to).id), happening.forMs);
        break;
      case 'cut-client': {
        const machine = world.clients[happening.from % world.clients.length];
        if (machine === undefined) break;
        const [clientIp, memberAddress] = [machine.publicIp, this.#member(happening.to).address.ip];
        if (happening.from % 2 === 0) this.#cut(clientIp, memberAddress, happening.forMs);
        else this.#cut(memberAddress, clientIp, happening.forMs);
        break;
      }
      case 'replay':
        for (let count = 0; count < happening.count; count++) this.#attacker.replay();
        break;
      case 'forge':
        for (let count = 0; count < happening.count; count++) this.#attacker.forge();
        break;
    }
  }

  #startMove(client: ClientApplication | undefined, to: MemberId): void {
    const started = client?.startMove(to);
    if (started?.kind === 'impossible')
      increment(this.reached.impossible, client?.isOver === true ? 'over' : started.cause);
  }

  #client(index: number): ClientApplication | undefined {
    const { followed } = this.oracle;
    return followed[index % Math.max(1, followed.length)]?.client;
  }

  #member(index: number): Member {
    return this.world.member(1 + (index % this.world.members.length));
  }

  #advise(index: number, to: MemberId): void {
    const { followed } = this.oracle;
    const owner = followed[index % Math.max(1, followed.length)]?.owner;
    if (owner === undefined) return;
    const { member, application } = owner;
    this.world.member(member).run((host, now) => host.advise(now, application.connection, to));
  }

  #pull(from: Member, to: Member, count: number): void {
    if (from === to || !to.isRunning) return;
    to.run((host) => host.send(from.id, { kind: 'pull', count }));
  }

  /** Only a connection that can move survives a new address: before its set-up and after both ends have closed none does. */
  #rebind(index: number): void {
    const client = this.#client(index);
    if (client === undefined) return;
    const { phase, tcp } = client.connection.record;
    if (phase.kind === 'requesting') client.machine.changeAddress();
    if (phase.kind !== 'settled' || !movable(tcp)) return;
    client.machine.changeAddress();
    client.startMove(phase.identity.member);
  }

  #giveUp(client: ClientApplication): void {
    const followed = this.oracle.followed.find((entry) => entry.client === client);
    if (followed !== undefined) followed.mayBeLost = true;
  }

  #crash(member: Member, forMs: number): void {
    if (!member.isRunning) return;
    this.oracle.crashed(member.id);
    member.crash();
    this.world.clock.wakeAt(this.world.clock.now() + forMs, () => member.start());
  }

  #drain(member: Member, forMs: number): void {
    const { listener, address, host } = member;
    if (listener === undefined || host === undefined) return;
    host.unlisten(listener);
    for (const { client } of this.oracle.followed) {
      const { phase, remote } = client.connection.record;
      if (phase.kind === 'opening' && remote.ip === address.ip) this.#giveUp(client);
    }
    this.world.clock.wakeAt(this.world.clock.now() + forMs, () => {
      listener.accepting = true;
    });
  }

  #cut(fromIp: string, toIp: string, forMs: number): void {
    const { network, clock } = this.world;
    const cut = {};
    this.#cuts.set(cut, [fromIp, toIp]);
    network.cut(fromIp, toIp);
    clock.wakeAt(clock.now() + forMs, () => {
      this.#cuts.delete(cut);
      network.heal();
      for (const [from, to] of this.#cuts.values()) network.cut(from, to);
    });
  }

  #say(line: string): void {
    this.#trace?.(`${this.world.clock.now().toFixed(3).padStart(11)}  ${line}`);
  }
}

/** Notes every transition of the record from now on. */
function watchPhases(record: MigratoryRecord, { transitions }: Reached): void {
  let { phase } = record;
  Object.defineProperty(record, 'phase', {
    get: () => phase,
    set: (next: Phase) => {
      transitions.add(`${phase.kind} ${next.kind}`);
      phase = next;
    },
  });
}

/** Those of the protocol's table that no connection took; what a server does before it opens a connection is not seen. */
export function transitionsNotReached({ transitions }: Reached): string[] {
  return Object.entries(TRANSITIONS)
    .flatMap(([from, targets]) => targets.map((to) => `${from} ${to}`))
    .filter((transition) => !transitions.has(transition));
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function describeMessage(message: PeerMessage): string {
  const details: string[] = [];
  if ('epoch' in message) details.push(`epoch ${message.epoch}`);
  if ('exchange' in message) details.push(`exchange ${message.exchange}`);
  if ('reason' in message) details.push(message.reason, `holder ${message.holder}`);
  if ('image' in message) details.push(`${message.image.length} bytes`);
  return [message.kind, ...details].join(' ');
}

export function nothingReached(): Reached {
  return {
    segments: 0,
    moves: 0,
    stays: 0,
    lost: 0,
    refusals: new Map(),
    outcomes: new Map(),
    impossible: new Map(),
    transitions: new Set(),
  };
}
