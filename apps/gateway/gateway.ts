// The gateway: accepts ordinary connections, opens a migratory one for each, and moves them when told.
//
// It runs on the client's side, so that programs which know nothing of migration keep their connections while servers
// change. Everything in it can be started and stopped from a test; the command around it is in main.ts.

import type { Duplex } from 'node:stream';
import {
  createNodeStack,
  type Address,
  type ConnectionId,
  type DriverOptions,
  type MemberId,
  type Stack,
} from '@migratory/stack';
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './config.js';
import { serveControl, type Controllable, type MoveAnswer } from './control.js';
import {
  Crossing,
  type CrossingEvent,
  type CrossingState,
  type OrdinaryConnection,
  type ServiceRoute,
} from './crossing.js';
import { listenForClients, listenForControl, type OrdinaryListener } from './socket-adapter.js';

export interface GatewayOptions {
  /** Where ordinary clients connect; port 0 lets the system choose. */
  readonly listen: Address;
  /** Members of the service; the first one that answers is taken. */
  readonly services: readonly Address[];
  /** The IP address from which members are reached; default: loopback for loopback, else whatever the system takes. */
  readonly localIp?: string | undefined;
  /** What carries packets to the members; default: UDP. */
  readonly network?: Omit<DriverOptions, 'ip'>;
  /** 32 bytes; servers that cannot prove to hold the service's key are refused. */
  readonly servicePublicKey?: Uint8Array | undefined;
  readonly migration?: 'required' | 'preferred' | 'off';
  /** The path of the control socket. */
  readonly controlPath?: string | undefined;
  readonly limits?: Partial<GatewayLimits>;
  readonly report?: (event: GatewayEvent) => void;
}

export type GatewayEvent =
  | CrossingEvent
  | { readonly kind: 'refused'; readonly limit: 'connectionCount' | 'controlUserCount'; readonly count: number };

export class Gateway implements Controllable {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #crossings = new Set<Crossing>();
  #controlUserCount = 0;
  #running:
    | {
        readonly stack: Stack;
        readonly clients: OrdinaryListener;
        readonly control: { close(): Promise<void> } | undefined;
      }
    | undefined;

  constructor(options: GatewayOptions) {
    if (options.services.length === 0) throw new RangeError('a gateway needs the address of at least one member');
    this.#options = options;
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
  }

  /** Rejects with `StartFailed`, and leaves nothing open then. */
  async start(): Promise<void> {
    const { listen, controlPath, services, servicePublicKey, migration = 'preferred' } = this.#options;
    const { synRetryCount, bufferLength } = this.#limits;
    const ip = this.#options.localIp ?? localIpFor(services);
    const stack = await createNodeStack({ ...this.#options.network, ip, tcp: { synRetryCount } });
    const terms = { migration, ...(servicePublicKey === undefined ? {} : { servicePublicKey }) };
    const route: ServiceRoute = { stack, services, terms, preferred: 0 };
    let control: { close(): Promise<void> } | undefined;
    try {
      if (controlPath !== undefined) control = await listenForControl(controlPath, (user) => this.#serve(user));
      const clients = await listenForClients(listen, bufferLength, (ordinary) => this.#accept(ordinary, route));
      this.#running = { stack, clients, control };
    } catch (error) {
      await control?.close();
      await stack.close();
      throw error;
    }
  }

  /** Resets what is open and releases every port and file. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    const clientsGone = running.clients.close();
    for (const crossing of this.#crossings) crossing.reset();
    await running.control?.close();
    await clientsGone;
    await running.stack.close();
  }

  /** Where ordinary clients connect. Throws before the start. */
  get address(): Address {
    if (this.#running === undefined) throw new Error('the gateway is not running: start it first');
    return this.#running.clients.address;
  }

  get connections(): readonly CrossingState[] {
    return Array.from(this.#crossings, (crossing) => crossing.state);
  }

  /** One connection, or all of them where no cid is given. Resolves, when all moves have ended, with how many connections were asked to move. */
  async move(
    cid: ConnectionId | undefined,
    to: MemberId | undefined,
    answer: (outcome: MoveAnswer) => void = () => undefined,
  ): Promise<number> {
    const chosen = [...this.#crossings].filter((crossing) => cid === undefined || crossing.cid === cid);
    await Promise.all(
      chosen.map(async (crossing) => {
        const outcome = await crossing.move(to);
        answer({ cid: crossing.cid ?? null, ...outcome });
      }),
    );
    return chosen.length;
  }

  #accept(ordinary: OrdinaryConnection, route: ServiceRoute): void {
    const { connectionCount } = this.#limits;
    if (this.#crossings.size >= connectionCount || this.#running === undefined) {
      // A reset may meet an error of its own; there is nothing left to lose.
      ordinary.on('error', () => undefined);
      ordinary.resetAndDestroy();
      this.#report({ kind: 'refused', limit: 'connectionCount', count: connectionCount });
      return;
    }
    const crossing = new Crossing(ordinary, route, (event) => this.#report(event));
    this.#crossings.add(crossing);
    crossing.start(() => this.#crossings.delete(crossing));
  }

  #serve(user: Duplex): void {
    const { controlUserCount, controlLineLength } = this.#limits;
    user.on('error', () => undefined);
    if (this.#controlUserCount >= controlUserCount) {
      user.end(`${JSON.stringify({ kind: 'error', problem: `at most ${controlUserCount} users at a time` })}\n`);
      user.resume();
      this.#report({ kind: 'refused', limit: 'controlUserCount', count: controlUserCount });
      return;
    }
    this.#controlUserCount++;
    user.once('close', () => this.#controlUserCount--);
    void serveControl(user, this, controlLineLength);
  }

  #report(event: GatewayEvent): void {
    this.#options.report?.(event);
  }
}

function localIpFor(services: readonly Address[]): string {
  const isIpv6 = services.some(({ ip }) => ip.includes(':'));
  const isLoopback = services.every(({ ip }) => ip === '::1' || ip.startsWith('127.'));
  if (isIpv6) return isLoopback ? '::1' : '::';
  return isLoopback ? '127.0.0.1' : '0.0.0.0';
}
