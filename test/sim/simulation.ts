// One run: a scenario played in a world under the eyes of the oracle, and what it reached counted.

import type { Datagram, Verdict } from '@migratory/stack/internal/drivers/memory.js';
import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { observeTransitions } from '@migratory/stack/internal/migration/machine.js';
import { leaveSilentMember, stay } from '@migratory/stack/internal/migration/policy.js';
import type { MigratoryRecord } from '@migratory/stack/internal/migration/record.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import { formatAddress, type Address } from '@migratory/stack/internal/wire/address.js';
import { formatSegment } from '@migratory/stack/internal/wire/format.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { Segment } from '@migratory/stack/internal/wire/segment.js';
import type { Followed } from '../support/followed.js';
import { cidOf, Oracle } from '../support/oracle.js';
import { World, type ClientMachine, type Member, type WorldWatch } from '../support/world.js';
import { Violation, type Reached, type Trace } from './campaign.js';
import { ClientApplication } from './client-application.js';
import { Operator } from './operator.js';
import type { ConnectionPlan, Happening, Scenario } from './scenario.js';
import { ServerApplication } from './server-application.js';

/** After the last fault is healed everything must be over within so much. */
const COMPLETION_MS = 3_000_000;
const QUIET_MS = 400_000;
const MAX_STEPS = 3_000_000;

export class Simulation implements WorldWatch {
  readonly world: World;
  readonly oracle: Oracle;
  readonly #reached: Reached;
  readonly #scenario: Scenario;
  readonly #random: SeededEntropy;
  readonly #trace: Trace | undefined;
  readonly #operator: Operator;
  #segmentCount = 0;
  /** When the last connection was over, for both sides. */
  completedAtMs = Infinity;
  /** Decides about every datagram as it is sent. */
  onDatagram: ((datagram: Datagram) => Verdict) | undefined;

  constructor(scenario: Scenario, reached: Reached, trace?: Trace) {
    this.#scenario = scenario;
    this.#reached = reached;
    this.#trace = trace;
    this.#random = new SeededEntropy(scenario.seed ^ 0x51b);
    this.world = new World(scenario, this);
    this.oracle = new Oracle(this.world);
    this.#operator = new Operator(this.world, this.oracle, reached, scenario.seed);
    this.world.network.observer = (datagram) => this.#observe(datagram);
  }

  /** Plays everything; throws a `Violation`. */
  run(): void {
    const { clock } = this.world;
    const { connections, happenings, healedAtMs, tcp } = this.#scenario;
    for (const plan of connections) {
      const machine = this.world.addClient();
      clock.wakeAt(plan.startAtMs, () => this.#connect(machine, plan));
    }
    for (const { atMs, happening } of happenings) clock.wakeAt(atMs, () => this.happen(happening));
    observeTransitions((record, next) => {
      this.#reached.count('transitions', `${record.phase.kind} → ${next.kind}`);
      if (next.kind === 'departed') this.#departing(record as MigratoryRecord);
    });
    try {
      // Who only reads notices the death of its member by keep-alive alone.
      this.#play(healedAtMs + COMPLETION_MS + (tcp.keepAliveIdleMs ?? 0), () => this.#isComplete);
      this.completedAtMs = clock.now();
      this.#forgiveTurnedAway();
      this.oracle.assertComplete();
      // Who waits for a client that has vanished notices by keep-alive.
      this.#play(clock.now() + QUIET_MS + (tcp.keepAliveIdleMs ?? 0), () => false);
      this.oracle.assertEmpty();
    } finally {
      observeTransitions(undefined);
    }
    this.#count();
  }

  happen(happening: Happening): void {
    this.#say(() => `happening: ${JSON.stringify(happening)}`);
    this.#operator.happen(happening);
  }

  #connect(machine: ClientMachine, { exchange, habits, asks, policy, target }: ConnectionPlan): void {
    const member = this.world.member(1 + (target % this.world.members.length));
    const random = new SeededEntropy(this.#random.u32());
    const client = new ClientApplication(machine, exchange, habits, random, {
      member,
      asks,
      policy: policy === 'stay' ? stay : leaveSilentMember(3),
    });
    const followed = this.oracle.follow(client);
    // It ends as soon as it sees whom it has reached.
    if (asks === 'other-service') followed.mayBeLost = true;
    if (!member.isRunning) this.oracle.crashed(member.id);
    if (member.listener?.accepting === false) followed.mayBeLost = true;
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

  /** A client that a member had no room for was never served: its time-out is the outcome that the limit has. */
  #forgiveTurnedAway(): void {
    const { halfOpenCount, connectionCount } = this.#scenario.limits;
    if (halfOpenCount === undefined && connectionCount === undefined) return;
    for (const followed of this.oracle.followed) {
      if (followed.lastOwner !== undefined || followed.client.outcome !== 'timed-out') continue;
      followed.mayBeLost = true;
      this.#reached.count('outcomes', 'turned away');
    }
  }

  #play(untilMs: number, isOver: () => boolean): void {
    const { clock } = this.world;
    for (let steps = 0; !isOver() && clock.step(untilMs); steps++) {
      if (steps > MAX_STEPS) throw new Violation('S6: the world never comes to rest');
    }
  }

  #count(): void {
    const reached = this.#reached;
    reached.count('totals', 'segments', this.#segmentCount);
    for (const { client, mayBeLost } of this.oracle.followed) {
      reached.count('outcomes', client.outcome);
      if (client.outcome !== 'finished' && mayBeLost) reached.count('totals', 'connections given up');
      for (const { from, to, refusals } of client.moves) {
        reached.count('totals', from === to ? 'returned to where they were' : 'moves');
        for (const { reason } of refusals) reached.count('refusals', reason);
      }
    }
  }

  opened(member: Member, connection: HostConnection): void {
    const cid = cidOf(connection);
    const { oracle } = this;
    const followed = oracle.find(cid, connection.record.remote);
    if (followed === undefined) throw new Violation('S4: a connection opened for a client that does not exist');
    const random = new SeededEntropy(this.#random.u32());
    const application = new ServerApplication(member, connection, this.#scenario.habits, random, {
      consumed: (offset, bytes) => oracle.consumed(followed, offset, bytes),
      inputEnded: (offset) => oracle.inputEnded(followed, offset),
      diverges: () => {
        followed.mayBeLost = true;
        this.#reached.count('handoff', 'a verified replay went wrong');
      },
      closed: (event) => {
        this.#say(() => `member ${member.id}: ${event.kind}`);
        if (event.kind === 'departed') oracle.departed(followed, application);
        else if (event.kind === 'closed') oracle.closed(followed, application, event.reason);
      },
    });
    this.#say(() => `member ${member.id}: opened ${cid ?? 'a plain connection'}`);
    connection.onEvent = (event) => {
      if (!member.isRunning) return;
      if (event.kind === 'confirmed') oracle.confirmed(followed, connection);
      application.receiveEvent(event);
    };
    if (followed.givenBy.has(member.id)) {
      this.#reached.count('handoff', followed.lastOwner === member.id ? 'taken back' : 'came round again');
    }
    oracle.opened(followed, member.id, connection, application);
    application.later(0);
  }

  #departing(record: MigratoryRecord): void {
    this.#reached.count('frozen in', record.tcp.state);
    this.oracle.departing(record);
  }

  memberTransmits(member: MemberId, to: Address, segment: Segment): void {
    this.#segmentCount++;
    this.oracle.memberTransmits(member, to, segment);
  }

  clientTransmits(machine: ClientMachine, to: Address, segment: Segment): void {
    this.#segmentCount++;
    this.oracle.clientTransmits(machine, to, segment);
  }

  peerMessage(from: MemberId, to: MemberId, message: PeerMessage): 'deliver' | 'lose' {
    this.#say(() => `member ${from} to member ${to}: ${describeMessage(message)}`);
    this.#countMessage(from, message);
    this.oracle.peerMessage(from, to, message);
    const fate = this.#operator.fateOf(this.world.member(from), this.world.member(to), message);
    if (fate === 'lose') this.#say(() => '  which is lost');
    return fate;
  }

  #countMessage(from: MemberId, message: PeerMessage): void {
    this.#reached.count('handoff', message.kind);
    if (message.kind === 'refuse') this.#reached.count('refusals', message.reason);
    if (message.kind !== 'image') return;
    const followed = this.oracle.find(message.cid, { ip: '', port: 0 });
    if (followed === undefined) return;
    if (followed.givenBy.has(from) && followed.lastOwner !== from)
      this.#reached.count('handoff', 'given by a former holder');
    this.#noteRetained(followed, from, message.image.length);
  }

  /** What a member can't keep beside others' images it loses, should the new one not arrive. */
  readonly #retained = new Map<MemberId, { length: number; readonly of: Set<Followed> }>();
  #noteRetained(followed: Followed, from: MemberId, imageLength: number): void {
    const limitLength = this.#scenario.limits.retainedImagesLength;
    if (limitLength === undefined) return;
    const retained = this.#retained.get(from) ?? { length: 0, of: new Set() };
    this.#retained.set(from, retained);
    retained.length += imageLength;
    retained.of.add(followed);
    if (retained.length <= limitLength) return;
    for (const other of retained.of) other.mayBeLost = true;
  }

  inputFinished(machine: Member | ClientMachine): void {
    this.oracle.inputFinished(machine);
  }

  #observe(datagram: Datagram): Verdict {
    const { from, to, segment } = datagram;
    this.#say(() => `${formatAddress(from)} > ${formatAddress(to)}: ${formatSegment(segment)}`);
    this.#operator.see(datagram);
    return this.onDatagram?.(datagram) ?? 'pass';
  }

  #say(line: () => string): void {
    this.#trace?.(`${this.world.clock.now().toFixed(3).padStart(11)}  ${line()}`);
  }
}

function describeMessage(message: PeerMessage): string {
  const details: string[] = [];
  if ('epoch' in message) details.push(`epoch ${message.epoch}`);
  if ('exchange' in message) details.push(`exchange ${message.exchange}`);
  if ('reason' in message) details.push(message.reason, `holder ${message.holder}`);
  if ('image' in message) details.push(`${message.image.length} bytes`);
  return [message.kind, ...details].join(' ');
}
