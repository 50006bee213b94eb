// One run of the services' world: a scenario, played turn by turn.
//
// Between two steps of the clock the event loop gets one turn, in which all promises and ticks that can go on have gone
// on: nothing in a run waits for anything but the clock, so that a seed replays exactly.

import { ReplayDiverged, ServiceStopping, StageTimedOut, type Report } from '@migratory/framework';
import { formatAddress, formatSegment, MemoryNetwork, VirtualClock } from '@migratory/stack';
import type { Reached, Trace } from '../campaign.js';
import { Client } from './client.js';
import { Draw } from '../draw.js';
import { Group, type Member, type Surroundings } from './group.js';
import type { Machine } from './machine.js';
import { NATURES } from './natures.js';
import { Followed, Oracle } from './oracle.js';
import { AS_TOLD } from './orders.js';
import { Outside } from './outside.js';
import type { ClientPlan, Happening, ServicesScenario } from './scenario.js';

/** After the last fault is healed everything must be over within so much. */
const COMPLETION_MS = 1_500_000;
const QUIET_MS = 400_000;
const MAX_STEPS = 1_000_000;
/** A connection attempt that met a member in a bad moment. */
const START_EXCUSE = 'its first member was not there';

export class Simulation {
  readonly #scenario: ServicesScenario;
  readonly #reached: Reached;
  readonly #trace: Trace | undefined;
  readonly #around: Surroundings;
  readonly #groups: readonly Group[];
  readonly #clients: Client[] = [];
  readonly #cuts = new Map<object, readonly [string, string]>();
  #overCount = 0;
  /** Things that take time and are under way: starts, restarts. */
  #busyCount = 0;
  #failure: Error | undefined;

  constructor(scenario: ServicesScenario, reached: Reached, trace?: Trace) {
    this.#scenario = scenario;
    this.#reached = reached;
    this.#trace = trace;
    const clock = new VirtualClock();
    const draw = new Draw(scenario.seed ^ 0x3a11);
    const say = (line: string): void => this.#say(line);
    this.#around = {
      scenario,
      clock,
      draw,
      network: new MemoryNetwork(clock, new Draw(draw.u32()), scenario.conditions),
      oracle: new Oracle(reached, say),
      outside: new Outside(clock),
      report: (machine, report) => this.#reported(machine, report),
      say,
    };
    if (trace !== undefined) {
      this.#around.network.observer = ({ from, to, segment }) => {
        say(`${formatAddress(from)} > ${formatAddress(to)}: ${formatSegment(segment)}`);
        return 'pass';
      };
    }
    this.#groups = scenario.groups.map((plan, index) => new Group(index, plan, this.#around));
  }

  /** Rejects with a `Violation`. */
  async run(): Promise<void> {
    const { clients, happenings, healedAtMs } = this.#scenario;
    const { clock } = this.#around;
    for (const member of this.#groups.flatMap(({ members }) => members)) this.#background(member.start());
    await turn();
    clients.forEach((plan, index) => clock.wakeAt(plan.startAtMs, () => this.#connect(plan, index)));
    for (const { atMs, happening } of happenings) clock.wakeAt(atMs, () => this.#happen(happening));
    await this.#play(healedAtMs + COMPLETION_MS, () => {
      return this.#overCount === clients.length && this.#busyCount === 0 && clock.now() >= healedAtMs;
    });
    this.#checkComplete();
    await this.#play(clock.now() + QUIET_MS, () => false);
    await this.#checkEmpty();
    if (this.#around.oracle.violation !== undefined) throw this.#around.oracle.violation;
  }

  async #play(untilMs: number, isOver: () => boolean): Promise<void> {
    const { clock, oracle } = this.#around;
    for (let steps = 0; ; steps++) {
      await turn();
      if (oracle.violation !== undefined) throw oracle.violation;
      if (this.#failure !== undefined) throw this.#failure;
      if (isOver() || !clock.step(untilMs)) return;
      oracle.check(steps < MAX_STEPS, 'S6', 'the world never comes to rest');
    }
  }

  /** Something that takes its time. */
  #background(work: Promise<unknown>): void {
    this.#busyCount++;
    work
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.#busyCount--);
  }

  #connect(plan: ClientPlan, index: number): void {
    const group = this.#groups[plan.group];
    if (group === undefined) return;
    const { service } = group.plan;
    const dialogue = NATURES[service].dialogue(new Draw(plan.dialogueSeed), plan.turnCount);
    const followed = new Followed(`10.1.${index}.1`, service, dialogue);
    const target = pick(group.members, plan.target);
    this.#around.oracle.follow(followed);
    if (target.process === undefined || target.isLeaving) followed.excuse = START_EXCUSE;
    const client = new Client(followed, plan, target, this.#around, this.#reached);
    client.onOver = () => this.#overCount++;
    this.#clients.push(client);
    this.#say(`${followed.name} connects to ${target.address.ip}`);
  }

  #reported(machine: Machine, report: Report): void {
    this.#say(`${machine.name}: ${report.kind}${'error' in report ? ` ${String(report.error)}` : ''}`);
    if (!('error' in report)) return;
    const { error } = report;
    if (error instanceof ServiceStopping) return this.#around.oracle.excuse(machine, 'its member stopped');
    if (error instanceof ReplayDiverged) return;
    if (error instanceof StageTimedOut || (error instanceof Error && error.message === AS_TOLD)) return;
    const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#around.oracle.check(false, 'S5', `${report.kind} at ${machine.name}: ${details}`);
  }

  #happen(happening: Happening): void {
    this.#say(`happening: ${JSON.stringify(happening)}`);
    this.#reached.count('happenings', happening.kind);
    switch (happening.kind) {
      case 'move':
      case 'advise': {
        const client = this.#clients[happening.client % Math.max(1, this.#clients.length)];
        if (client === undefined) break;
        const { id } = pick(this.#membersOf(client), happening.to);
        if (happening.kind === 'move') client.move(id);
        else client.followed.owner?.connection.adviseMove(id);
        break;
      }
      case 'move-all':
        for (const client of this.#clients) client.move(pick(this.#membersOf(client), happening.to).id);
        break;
      case 'push':
      case 'pull':
        for (const { members } of this.#groups) {
          const [from, to] = [pick(members, happening.from), pick(members, happening.to)];
          if (from === to) continue;
          if (happening.kind === 'push') from.process?.stack.moveConnections(to.id, happening.count);
          else to.process?.stack.pullConnections(from.id, happening.count);
        }
        break;
      case 'crash': {
        const member = this.#anyMember(happening.member);
        this.#excuseNewcomers(member);
        member.crash();
        this.#background(this.#comeBack(member, happening.forMs));
        break;
      }
      case 'restart':
        this.#background(this.#restart(this.#anyMember(happening.member), happening));
        break;
      case 'cut-members': {
        const member = this.#anyMember(happening.from);
        const other = pick(this.#groupOf(member).members, happening.to);
        this.#cut(member.address.ip, other.address.ip, happening.forMs);
        break;
      }
      case 'cut-client': {
        const client = this.#clients[happening.from % Math.max(1, this.#clients.length)];
        if (client === undefined) break;
        const ips = [client.followed.ip, pick(this.#membersOf(client), happening.to).address.ip] as const;
        if (happening.from % 2 === 0) this.#cut(ips[0], ips[1], happening.forMs);
        else this.#cut(ips[1], ips[0], happening.forMs);
        break;
      }
    }
  }

  #membersOf({ followed }: Client): readonly Member[] {
    const index = this.#scenario.groups.findIndex(({ service }) => service === followed.service);
    return this.#groups[index]?.members ?? [];
  }

  #groupOf(member: Member): Group {
    return this.#groups.find(({ members }) => members.includes(member)) as Group;
  }

  #anyMember(index: number): Member {
    const all = this.#groups.flatMap(({ members }) => members);
    return pick(all, index);
  }

  /** Who is not served yet, and asks this member, may be turned away. */
  #excuseNewcomers({ address }: Member): void {
    for (const { followed, connection } of this.#clients) {
      if (followed.lastOwner === undefined && connection.remoteAddress.ip === address.ip)
        followed.excuse ??= START_EXCUSE;
    }
  }

  /** In a world that goes on: resolves when so much time has passed. */
  #pass(durationMs: number): Promise<void> {
    const { clock } = this.#around;
    return new Promise((resolve) => {
      clock.wakeAt(clock.now() + durationMs, resolve);
    });
  }

  async #comeBack(member: Member, afterMs: number): Promise<void> {
    await this.#pass(afterMs);
    if (member.process === undefined) await member.start();
  }

  async #restart(member: Member, happening: Extract<Happening, { kind: 'restart' }>): Promise<void> {
    const { process } = member;
    if (process === undefined || member.isLeaving) return;
    this.#excuseNewcomers(member);
    await member.leave(happening.manner, happening.noticeMs);
    await this.#comeBack(member, happening.forMs);
  }

  #cut(fromIp: string, toIp: string, forMs: number): void {
    const { network, clock } = this.#around;
    const cut = {};
    this.#cuts.set(cut, [fromIp, toIp]);
    network.cut(fromIp, toIp);
    clock.wakeAt(clock.now() + forMs, () => {
      this.#cuts.delete(cut);
      network.heal();
      for (const [from, to] of this.#cuts.values()) network.cut(from, to);
    });
  }

  /** S1, S5: at the end, with every fault healed. */
  #checkComplete(): void {
    const { oracle } = this.#around;
    for (const client of this.#clients) {
      const { followed, missing, outcome } = client;
      const { name, excuse } = followed;
      this.#reached.count('outcomes', outcome === 'failed' ? `failed: ${excuse ?? 'without an excuse'}` : outcome);
      oracle.check(client.isOver, 'S5', `${name} hangs, its handler at ${followed.doing.join() || 'nothing'}`);
      if (outcome === 'left') continue;
      if (outcome === 'finished')
        oracle.check(missing === undefined, 'S1', `${name} saw a clean end: ${missing ?? ''}`);
      if (excuse !== undefined) continue;
      oracle.check(missing === undefined, 'S5', `${name}: ${missing ?? ''}`);
    }
  }

  /** S6: nothing is left of connections that are over. */
  async #checkEmpty(): Promise<void> {
    const { oracle } = this.#around;
    for (const client of this.#clients) {
      const { name, dialogue, consumedLength, excuse } = client.followed;
      const isHeard = consumedLength >= dialogue.readLength || client.outcome !== 'finished' || excuse !== undefined;
      oracle.check(isHeard, 'S1', `the handler of ${name} read ${consumedLength} of ${dialogue.readLength} bytes`);
      oracle.check(client.moveCount === 0, 'S6', `a move of ${client.followed.name} was never answered`);
      this.#checkNothingLeft(client.followed.name, client.stack);
    }
    this.#checkEffects();
    for (const member of this.#groups.flatMap(({ members }) => members)) {
      const { process } = member;
      if (process === undefined) return oracle.violate('S6', 'a member did not come back');
      const { site, machine, stack } = process;
      this.#checkNothingLeft(machine.name, stack);
      oracle.check(site.runningCount === 0, 'S6', `${machine.name}: ${site.runningCount} stages have not returned`);
      oracle.check(site.openCount === 0, 'S6', `${machine.name}: ${site.openCount} were opened and not closed`);
      oracle.check(machine.waitCount === 0, 'S6', `${machine.name}: ${machine.waitCount} handlers still wait`);
      let hasStopped = false;
      void process.application.stop().then(() => {
        hasStopped = true;
      });
      await turn();
      oracle.check(hasStopped, 'S6', `${machine.name}: a handler has not returned`);
    }
  }

  /** S7: no effect was made twice, except where a member died with it and was never heard of. */
  #checkEffects(): void {
    const { oracle, outside } = this.#around;
    for (const [name, times] of outside.timesOf) {
      const followed = oracle.followed.find(({ cid }) => cid !== undefined && name.includes(cid));
      this.#reached.count('effects', name.split(/[ /]/).at(0) === 'orders' ? 'once' : 'locked');
      if (followed?.mayRepeat !== true) oracle.check(times === 1, 'S7', `${name} was made ${times} times`);
    }
  }

  #checkNothingLeft(name: string, stack: Client['stack']): void {
    const { oracle } = this.#around;
    oracle.check(stack.connections.size === 0, 'S6', `${name}: ${stack.connections.size} connections are left`);
    for (const [table, size] of Object.entries(stack.host.tableSizes())) {
      oracle.check(size === 0, 'S6', `${size} left in ${table} of ${name}`);
    }
  }

  #say(line: string): void {
    this.#trace?.(`${this.#around.clock.now().toFixed(3).padStart(11)}  ${line}`);
  }
}

function pick<Item>(items: readonly Item[], index: number): Item {
  return items[index % items.length] as Item;
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
