// Where each client's session is, and where it was asked to go: what its loss may be due to.

import type { Gateway, GatewayEvent } from '@migratory/gateway/gateway';

interface Place {
  readonly port: number;
  member: number;
  /** Where it was last asked to go; on the way there it may be lost with either member. */
  askedFor: number | undefined;
}

export class Whereabouts {
  readonly #byPort = new Map<number, Place>();
  readonly #byCid = new Map<string, Place>();
  readonly #endings = new Map<number, string>();

  /** A client's session is open: from now on it is known by the port on the client's side. */
  opened(port: number, gateway: Gateway | undefined): void {
    const state = gateway?.connections.find(({ client }) => portOf(client) === port);
    if (state?.cid === undefined || state.cid === null) return;
    const place = { port, member: state.member ?? 0, askedFor: undefined };
    this.#byPort.set(port, place);
    this.#byCid.set(state.cid, place);
  }

  asked(port: number, member: number): void {
    const place = this.#byPort.get(port);
    if (place !== undefined) place.askedFor = member;
  }

  /** By trigger or on demand, the gateway tells of every move. */
  told(event: GatewayEvent): void {
    if (event.kind === 'closed' && event.cause !== '') {
      const { client, cause, cid, member, epoch } = event;
      this.#endings.set(portOf(client), `${cause}: ${cid ?? 'no cid'} at member ${member ?? 'none'} in epoch ${epoch}`);
    }
    if (event.kind !== 'moved' && event.kind !== 'stayed') return;
    const place = this.#byCid.get(event.cid ?? '');
    if (place === undefined) return;
    place.member = event.to;
    place.askedFor = undefined;
  }

  /** What the gateway said when a client's connection broke. */
  endingOf(port: number): string {
    return this.#endings.get(port) ?? 'nothing';
  }

  /** The members that may have had the session last. */
  membersOf(port: number): number[] {
    const place = this.#byPort.get(port);
    if (place === undefined) return [];
    return place.askedFor === undefined ? [place.member] : [place.member, place.askedFor];
  }
}

export function portOf(client: string): number {
  return Number(client.slice(client.lastIndexOf(':') + 1));
}
