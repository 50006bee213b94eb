// The operator: everything that happens to a world from outside. Moves that are asked for, faults, the attacker's doings.

import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { Datagram } from '@migratory/stack/internal/drivers/memory.js';
import { movable } from '@migratory/stack/internal/tcp/freeze.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import { FLAG } from '@migratory/stack/internal/wire/segment.js';
import type { Followed } from '../support/followed.js';
import type { Oracle } from '../support/oracle.js';
import { memberIp, type Member, type World } from '../support/world.js';
import { Attacker } from './attacker.js';
import type { Reached } from './campaign.js';
import type { ClientApplication } from './client-application.js';
import type { Happening } from './scenario.js';
import { Stranger } from './stranger.js';

type Sabotage = Extract<Happening, { kind: 'sabotage' }>;

export class Operator {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #reached: Reached;
  readonly #attacker: Attacker;
  readonly #cuts = new Map<object, readonly [string, string]>();
  readonly #sabotages: Sabotage[] = [];
  readonly #movesAtEnd: Extract<Happening, { kind: 'move-at-end' }>[] = [];
  #isInAmbush = false;
  #isMimicking = false;
  #strangerCount = 0;

  constructor(world: World, oracle: Oracle, reached: Reached, seed: number) {
    this.#world = world;
    this.#oracle = oracle;
    this.#reached = reached;
    this.#attacker = new Attacker(world, new SeededEntropy(seed ^ 0xa77));
  }

  see(datagram: Datagram): void {
    const { to, segment } = datagram;
    this.#attacker.see(datagram);
    const { maxDelayMs } = this.#world.options.conditions;
    if (this.#isInAmbush && segment.options.migrate?.kind === 'acknowledge') {
      for (const share of [0.3, 1]) this.#after(share * maxDelayMs, () => this.#attacker.follow(datagram));
    }
    if (this.#isMimicking) this.#attacker.mimic(datagram);
    if ((segment.flags & FLAG.fin) === 0) return;
    const index = this.#movesAtEnd.findIndex(({ client }) => this.#client(client)?.machine.publicIps.includes(to.ip));
    const [move] = index === -1 ? [] : this.#movesAtEnd.splice(index, 1);
    if (move !== undefined) this.#after(maxDelayMs, () => this.happen({ ...move, kind: 'move' }));
  }

  /** Lets it happen now. */
  happen(happening: Happening): void {
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
        this.#rebind(this.#client(happening.client));
        break;
      case 'end':
        this.#end(this.#client(happening.client), happening.how);
        break;
      case 'stranger':
        new Stranger(this.#world, ++this.#strangerCount, this.#member(happening.member).address, happening.habit);
        break;
      case 'crash':
        this.#crash(this.#member(happening.member), happening.forMs);
        break;
      case 'drain':
        this.#drain(this.#member(happening.member), happening.forMs);
        break;
      case 'decline':
        this.#decline(this.#member(happening.member), happening.forMs);
        break;
      case 'cut-members':
        this.#cut(this.#member(happening.from).address.ip, memberIp(this.#member(happening.to).id), happening.forMs);
        break;
      case 'cut-client':
        this.#cutClient(happening.from, this.#member(happening.to), happening.forMs);
        break;
      case 'deafen':
        this.#deafen(this.#client(happening.client), happening.forMs);
        break;
      case 'sleep':
        this.#world.asleepUntilMs = this.#world.clock.now() + happening.forMs;
        break;
      case 'sabotage':
        this.#sabotages.push(happening);
        break;
      case 'ambush':
        this.#isInAmbush = true;
        break;
      case 'mimic':
        this.#isMimicking = true;
        break;
      case 'move-at-end':
        this.#movesAtEnd.push(happening);
        break;
      case 'replay':
      case 'forge':
      case 'repeat':
      case 'stale':
        for (let count = 0; count < happening.count; count++) this.#attacker[happening.kind]();
        break;
    }
  }

  /** What becomes of a message between members. */
  fateOf(from: Member, to: Member, message: PeerMessage): 'deliver' | 'lose' {
    const index = this.#sabotages.findIndex(({ message: kind }) => kind === message.kind);
    const [sabotage] = index === -1 ? [] : this.#sabotages.splice(index, 1);
    if (sabotage === undefined) return 'deliver';
    this.#reached.count('sabotage', `${sabotage.fault} at ${sabotage.message}`);
    const handoffMs = from.host?.limits.handoffTimeoutMs ?? 0;
    for (let echo = 1; echo <= sabotage.echoes; echo++) {
      this.#after((2 * handoffMs * echo) / sabotage.echoes, () => this.#attacker.repeat());
    }
    if (sabotage.fault === 'lose') return 'lose';
    const victim = sabotage.fault === 'crash-sender' ? from : to;
    // A sender falls with what it has just sent, a receiver when it has taken it.
    const delayMs = sabotage.fault === 'crash-sender' ? 0 : this.#world.options.peerDelayMs + 0.001;
    this.#after(delayMs, () => this.#crash(victim, sabotage.forMs));
    return 'deliver';
  }

  #after(delayMs: number, act: () => void): void {
    const { clock } = this.#world;
    clock.wakeAt(clock.now() + delayMs, act);
  }

  #startMove(client: ClientApplication | undefined, to: MemberId): void {
    const started = client?.startMove(to);
    if (started?.kind !== 'impossible') return;
    this.#reached.count('moves not begun', client?.isOver === true ? 'over' : started.cause);
  }

  #followed(index: number): Followed | undefined {
    const { followed } = this.#oracle;
    return followed[index % Math.max(1, followed.length)];
  }

  #client(index: number): ClientApplication | undefined {
    return this.#followed(index)?.client;
  }

  #member(index: number): Member {
    return this.#world.member(1 + (index % this.#world.members.length));
  }

  #advise(index: number, to: MemberId): void {
    const owner = this.#followed(index)?.owner;
    if (owner === undefined) return;
    const { member, application } = owner;
    this.#world.member(member).run((host, now) => host.advise(now, application.connection, to));
  }

  #pull(from: Member, to: Member, count: number): void {
    if (from === to || !to.isRunning) return;
    to.run((host) => host.send(from.id, { kind: 'pull', count }));
  }

  /** Only a connection that can move survives a new address: before its set-up and after both ends have closed none does. */
  #rebind(client: ClientApplication | undefined): void {
    if (client === undefined || client.machine.isGone) return;
    const { phase, tcp } = client.connection.record;
    if (phase.kind === 'requesting') client.machine.changeAddress();
    if (phase.kind !== 'settled' || !movable(tcp)) return;
    client.machine.changeAddress();
    client.startMove(phase.identity.member);
  }

  #end(client: ClientApplication | undefined, how: 'abort' | 'vanish'): void {
    if (client === undefined || client.isOver) return;
    this.giveUp(client);
    this.#reached.count('clients ended', `${how} while ${client.connection.record.phase.kind}`);
    client[how]();
  }

  /** Nothing more is asked of this client's connection. */
  giveUp(client: ClientApplication): void {
    const followed = this.#oracle.followed.find((entry) => entry.client === client);
    if (followed !== undefined) followed.mayBeLost = true;
  }

  #crash(member: Member, forMs: number): void {
    if (!member.isRunning) return;
    this.#oracle.crashed(member.id);
    member.crash();
    this.#after(forMs, () => member.start());
  }

  #drain(member: Member, forMs: number): void {
    const { listener, address, host } = member;
    if (listener === undefined || host === undefined) return;
    host.unlisten(listener);
    for (const { client } of this.#oracle.followed) {
      const { phase, remote } = client.connection.record;
      if (phase.kind === 'opening' && remote.ip === address.ip) this.giveUp(client);
    }
    this.#after(forMs, () => {
      listener.accepting = true;
    });
  }

  #decline(member: Member, forMs: number): void {
    member.canRestore = false;
    this.#after(forMs, () => {
      member.canRestore = true;
    });
  }

  #cutClient(from: number, to: Member, forMs: number): void {
    const machine = this.#world.clients[from % Math.max(1, this.#world.clients.length)];
    if (machine === undefined) return;
    if (from % 2 === 0) this.#cut(machine.publicIp, to.address.ip, forMs);
    else this.#cut(to.address.ip, machine.publicIp, forMs);
  }

  #deafen(client: ClientApplication | undefined, forMs: number): void {
    if (client === undefined) return;
    for (const { address } of this.#world.members) this.#cut(address.ip, client.machine.publicIp, forMs);
  }

  #cut(fromIp: string, toIp: string, forMs: number): void {
    const { network } = this.#world;
    const cut = {};
    this.#cuts.set(cut, [fromIp, toIp]);
    network.cut(fromIp, toIp);
    this.#after(forMs, () => {
      this.#cuts.delete(cut);
      network.heal();
      for (const [from, to] of this.#cuts.values()) network.cut(from, to);
    });
  }
}
