// Where each client's session is, and where it was asked to go: what its loss may be due to.
//
// A client's port is used again by later sessions: a session is known by its port together with the time when it was open.

import type { Gateway, GatewayEvent } from '@migratory/gateway/gateway';

/** One session, from its opening on. */
interface Place {
  readonly openedAtMs: number;
  member: number;
  /** Where it was last asked to go; on the way there it may be lost with either member. */
  askedFor: number | undefined;
  /** What the gateway said when it broke. */
  ending: string | undefined;
}

export class Whereabouts {
  readonly #byPort = new Map<number, Place[]>();
  readonly #byCid = new Map<string, Place>();

  /** A client's session is open: from now on it is known by the port on the client's side. */
  opened(port: number, atMs: number, gateway: Gateway | undefined): void {
    const state = gateway?.connections.find(({ client }) => portOf(client) === port);
    if (state?.cid === undefined || state.cid === null) return;
    const place: Place = { openedAtMs: atMs, member: state.member ?? 0, askedFor: undefined, ending: undefined };
    this.#byPort.set(port, [...(this.#byPort.get(port) ?? []), place]);
    this.#byCid.set(state.cid, place);
  }

  asked(port: number, member: number): void {
    const place = this.#byPort.get(port)?.at(-1);
    if (place !== undefined) place.askedFor = member;
  }

  /** By trigger or on demand, the gateway tells of every move. */
  told(event: GatewayEvent): void {
    if (event.kind !== 'closed' && event.kind !== 'moved' && event.kind !== 'stayed') return;
    const place = this.#byCid.get(event.cid ?? '');
    if (place === undefined) return;
    if (event.kind === 'closed') {
      const { cause, cid, member, epoch } = event;
      place.ending = `${cause}: ${cid ?? 'no cid'} at member ${member ?? 'none'} in epoch ${epoch}`;
    } else {
      place.member = event.to;
      place.askedFor = undefined;
    }
  }

  /** What the gateway said of the session that was lost then. */
  endingOf(port: number, lostAtMs: number): string {
    return this.#placeOf(port, lostAtMs)?.ending ?? 'nothing';
  }

  /** The members that may have had the session that was lost then. */
  membersOf(port: number, lostAtMs: number): number[] {
    const place = this.#placeOf(port, lostAtMs);
    if (place === undefined) return [];
    return place.askedFor === undefined ? [place.member] : [place.member, place.askedFor];
  }

  #placeOf(port: number, atMs: number): Place | undefined {
    return this.#byPort.get(port)?.findLast(({ openedAtMs }) => openedAtMs <= atMs);
  }
}

export function portOf(client: string): number {
  return Number(client.slice(client.lastIndexOf(':') + 1));
}
