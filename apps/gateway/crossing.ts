// One client's way through the gateway: its ordinary connection, and the migratory one that is opened for it.
//
// The service's addresses are tried in turn, from the one that answered last, until one answers; what the client sends
// meanwhile stays in its own connection. From then on the relay has both.

import {
  formatAddress,
  relay,
  type Address,
  type ConnectionId,
  type ConnectOptions,
  type MemberId,
  type MigratoryConnection,
  type MoveOutcome,
  type MoveReport,
  type Resettable,
  type Stack,
} from '@migratory/stack';

/** What an accepted connection is to us: node:net's, without node:net. */
export interface OrdinaryConnection extends Resettable {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Where and how migratory connections are opened; shared by all crossings. */
export interface ServiceRoute {
  readonly stack: Stack;
  readonly services: readonly Address[];
  readonly terms: Pick<ConnectOptions, 'servicePublicKey' | 'migration'>;
  /** Index of the address that answered last. */
  preferred: number;
}

/** A connection as `list` shows it. Null: the server offers no migration, or has not answered yet. */
export interface CrossingState {
  readonly client: string;
  readonly cid: ConnectionId | null;
  readonly member: MemberId | null;
  readonly epoch: number;
  readonly toServiceLength: number;
  readonly toClientLength: number;
}

export type CrossingEvent =
  | { readonly kind: 'opened'; readonly client: string; readonly service: string }
  /** One address did not take the connection. */
  | { readonly kind: 'connect-failed'; readonly client: string; readonly service: string; readonly cause: string }
  | ({ readonly kind: 'moved' | 'stayed'; readonly cid: ConnectionId | null } & MoveReport)
  /** `cause` is empty where both sides ended in order. */
  | ({ readonly kind: 'closed'; readonly cause: string } & CrossingState);

export class Crossing {
  readonly #ordinary: OrdinaryConnection;
  readonly #route: ServiceRoute;
  readonly #report: (event: CrossingEvent) => void;
  readonly #client: string;
  #migratory: MigratoryConnection | undefined;
  #isJoined = false;
  #isOver = false;
  #cause = '';

  constructor(ordinary: OrdinaryConnection, route: ServiceRoute, report: (event: CrossingEvent) => void) {
    this.#ordinary = ordinary;
    this.#route = route;
    this.#report = report;
    this.#client = formatAddress({ ip: ordinary.remoteAddress ?? '', port: ordinary.remotePort ?? 0 });
  }

  /** Opens the migratory side. `over` is called once, when neither side is left. */
  start(over: () => void): void {
    this.#ordinary.on('error', (error) => this.#note('client', error));
    this.#ordinary.once('close', () => {
      if (!this.#isJoined) this.#migratory?.resetAndDestroy();
      this.#whenOver(over);
    });
    this.#tryAddress(0, over);
  }

  get cid(): ConnectionId | undefined {
    return this.#migratory?.cid;
  }

  get state(): CrossingState {
    return {
      client: this.#client,
      cid: this.#migratory?.cid ?? null,
      member: this.#migratory?.member ?? null,
      epoch: this.#migratory?.epoch ?? 0,
      toServiceLength: this.#ordinary.bytesRead,
      toClientLength: this.#ordinary.bytesWritten,
    };
  }

  /** Moves the connection, by default to the next member. Never rejects. */
  move(to: MemberId | undefined): Promise<MoveOutcome> {
    return this.#migratory?.requestMove(to) ?? Promise.resolve({ kind: 'impossible', cause: 'not-ready' });
  }

  /** Resets both sides. */
  reset(): void {
    this.#ordinary.resetAndDestroy();
  }

  #tryAddress(triedCount: number, over: () => void): void {
    const { stack, services, terms, preferred } = this.#route;
    const index = (preferred + triedCount) % services.length;
    const address = services[index];
    if (address === undefined || triedCount === services.length) return this.reset();
    const [client, service] = [this.#client, formatAddress(address)];
    const migratory = stack.connect({ address, ...terms });
    this.#migratory = migratory;
    const failed = (error: NodeJS.ErrnoException): void => {
      this.#note('service', error);
      this.#report({ kind: 'connect-failed', client, service, cause: error.message });
      if (!this.#ordinary.destroyed) this.#tryAddress(triedCount + 1, over);
    };
    migratory.once('error', failed);
    migratory.once('connect', () => {
      migratory.off('error', failed);
      this.#route.preferred = index;
      this.#cause = '';
      this.#report({ kind: 'opened', client, service });
      this.#join(migratory, over);
    });
  }

  #join(migratory: MigratoryConnection, over: () => void): void {
    this.#isJoined = true;
    migratory.on('error', (error) => this.#note('service', error));
    migratory.on('move', (report: MoveReport) => {
      const kind = report.to === report.from ? 'stayed' : 'moved';
      this.#report({ kind, cid: migratory.cid ?? null, ...report });
    });
    migratory.once('close', () => this.#whenOver(over));
    relay(this.#ordinary, migratory);
  }

  /** The first cause is the true one; what follows is the relay passing it on. */
  #note(side: 'client' | 'service', error: NodeJS.ErrnoException): void {
    if (this.#cause === '') this.#cause = `${side}: ${error.code ?? error.message}`;
  }

  #whenOver(over: () => void): void {
    if (this.#isOver || !this.#ordinary.closed || (this.#isJoined && this.#migratory?.closed !== true)) return;
    this.#isOver = true;
    this.#report({ kind: 'closed', cause: this.#cause, ...this.state });
    over();
  }
}
