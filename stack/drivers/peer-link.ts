// A link (`transfer/link.ts`) on real TLS sockets: dials, holds the sessions with one member, does what the link decides.

import { connect, type SecureContextOptions, type TLSSocket } from 'node:tls';
import {
  handle,
  openLink,
  poll,
  type LinkEvent,
  type LinkInput,
  type LinkRecord,
  type SessionDirection,
} from '../transfer/link.js';
import type { TransferLimits } from '../transfer/limits.js';
import type { PeerMessage } from '../transfer/messages.js';
import type { SessionEvent, SessionFailure } from '../transfer/session.js';
import type { MemberId } from '../wire/migrate-options.js';
import type { Clock, PeerReceiver, Timer } from './driver.js';
import type { PeerEvent } from './peer-events.js';
import { errorCode, memberNamed } from './peer-identity.js';
import { PeerSocket } from './peer-socket.js';

/** What all links of a channel share. */
export interface PeerLinkContext {
  /** Our own. */
  readonly member: MemberId;
  readonly incarnation: string;
  readonly limits: TransferLimits;
  readonly tlsOptions: SecureContextOptions;
  readonly clock: Clock;
  readonly endpointOf: (member: MemberId) => { readonly host: string; readonly port: number } | undefined;
  readonly deliver: (delivery: (receiver: PeerReceiver) => void) => void;
  readonly report: (event: PeerEvent) => void;
}

type DialFailure = Extract<PeerEvent, { kind: 'dial-failed' }>['reason'];

const WRONG_MEMBER = 'ERR_PEER_WRONG_MEMBER';

export class PeerLink {
  readonly #peer: MemberId;
  readonly #context: PeerLinkContext;
  readonly #record: LinkRecord;
  /** All that are open, up or not, by the link's name for them. */
  readonly #sessions = new Map<number, PeerSocket>();
  #lastSession = 0;
  /** The attempt that the link waits for; what an older one does is of no interest. */
  #dialling: { readonly socket: TLSSocket; session: number | undefined; remote: string } | undefined;
  #isDraining = false;
  #isClosed = false;
  #timer: Timer | undefined;

  constructor(peer: MemberId, context: PeerLinkContext) {
    this.#peer = peer;
    this.#context = context;
    this.#record = openLink(peer, context.limits);
  }

  send(message: PeerMessage): void {
    this.#input({ kind: 'send', message });
  }

  prepare(): void {
    this.#input({ kind: 'prepare' });
  }

  /** Takes a socket whose certificate names this link's member. */
  accept(socket: TLSSocket): void {
    if (this.#isClosed) socket.destroy();
    else this.#openSession(socket, 'accepted');
  }

  /** Lets what has been written leave, for at most `closeGraceMs`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#dialling?.socket.destroy();
    const sessions = [...this.#sessions.values()];
    const grace = this.#context.clock.wakeAt(this.#context.clock.now() + this.#context.limits.closeGraceMs, () => {
      for (const session of sessions) session.destroy();
    });
    await Promise.all(sessions.map((session) => session.close()));
    grace.cancel();
  }

  #input(input: LinkInput): void {
    if (this.#isClosed) return;
    handle(this.#record, this.#context.clock.now(), input);
    // A session that ends while its link is being drained comes back here: the outer loop does the rest, in order.
    if (this.#isDraining) return;
    this.#isDraining = true;
    let output = poll(this.#record);
    for (; output.kind !== 'wait'; output = poll(this.#record)) this.#do(output);
    this.#isDraining = false;
    this.#wait(output.until);
  }

  #wait(until: number): void {
    this.#timer?.cancel();
    this.#timer = this.#context.clock.wakeAt(until, () => this.#input({ kind: 'deadline' }));
  }

  #do(event: LinkEvent): void {
    const { deliver, report } = this.#context;
    const member = this.#peer;
    switch (event.kind) {
      case 'dial':
        return this.#dial();
      case 'abandon-dial':
        return this.#abandonDial();
      case 'transmit':
        return this.#sessions.get(event.session)?.send(event.message);
      case 'end-session':
        return this.#endSession(event.session, event.reason);
      case 'up':
        return deliver((receiver) => receiver.up(member, event.incarnation));
      case 'down':
        return deliver((receiver) => receiver.down(member));
      case 'undelivered':
        return report({ kind: 'undelivered', member, message: event.message, reason: event.reason });
    }
  }

  #dial(): void {
    const endpoint = this.#context.endpointOf(this.#peer);
    if (endpoint === undefined) return this.#input({ kind: 'dial-failed' });
    const socket = connect({
      ...this.#context.tlsOptions,
      host: endpoint.host,
      port: endpoint.port,
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => this.#checkIdentity(certificate.subjectaltname),
    });
    const dialling = { socket, session: undefined, remote: `${endpoint.host}:${endpoint.port}` };
    this.#dialling = dialling;
    socket.once('secureConnect', () => {
      if (this.#dialling === dialling) this.#dialling.session = this.#openSession(socket, 'dialled');
    });
    socket.on('error', (error) => {
      const code = errorCode(error);
      if (this.#dialling === dialling) this.#dialFailed(dialFailure(code), code);
    });
  }

  #checkIdentity(subjectAltName: string | undefined): Error | undefined {
    if (memberNamed(subjectAltName) === this.#peer) return undefined;
    return Object.assign(new Error(`the certificate is not that of member ${this.#peer}`), { code: WRONG_MEMBER });
  }

  #dialFailed(reason: DialFailure, code: string): void {
    const remote = this.#dialling?.remote ?? '';
    this.#dialling?.socket.destroy();
    this.#dialling = undefined;
    this.#context.report({ kind: 'dial-failed', member: this.#peer, remote, reason, code });
    this.#input({ kind: 'dial-failed' });
  }

  #abandonDial(): void {
    const dialling = this.#dialling;
    if (dialling === undefined) return;
    this.#dialling = undefined;
    if (dialling.session !== undefined) {
      this.#sessions.get(dialling.session)?.destroy();
      this.#sessions.delete(dialling.session);
    }
    dialling.socket.destroy();
    const { remote } = dialling;
    this.#context.report({ kind: 'dial-failed', member: this.#peer, remote, reason: 'timed-out', code: '' });
  }

  #openSession(socket: TLSSocket, direction: SessionDirection): number {
    const { member, incarnation, limits, clock } = this.#context;
    const name = ++this.#lastSession;
    const session = new PeerSocket({
      socket,
      direction,
      clock,
      config: { member, incarnation, limits, peer: this.#peer },
      onEvent: (event) => this.#sessionEvent(name, session, event),
    });
    this.#sessions.set(name, session);
    session.start();
    return name;
  }

  #sessionEvent(name: number, session: PeerSocket, event: SessionEvent): void {
    const { deliver, report } = this.#context;
    const { direction } = session;
    switch (event.kind) {
      case 'up':
        if (direction === 'dialled') this.#dialling = undefined;
        report({ kind: 'session-up', member: this.#peer, direction, incarnation: event.incarnation });
        return this.#input({ kind: 'session-up', session: name, direction, incarnation: event.incarnation });
      case 'message':
        return deliver((receiver) => receiver.message(this.#peer, event.message));
      case 'undelivered':
        return this.#input({ kind: 'undelivered', message: event.message, reason: event.reason });
      case 'failed':
        this.#sessions.delete(name);
        return this.#sessionFailed(name, session, event.reason);
    }
  }

  #sessionFailed(name: number, session: PeerSocket, reason: SessionFailure): void {
    if (!session.isUp && session.direction === 'dialled') {
      // Where the socket has reported an error, the dial has failed already.
      if (this.#dialling?.session === name) this.#dialFailed(reason, '');
      return;
    }
    this.#context.report({ kind: 'session-ended', member: this.#peer, direction: session.direction, reason });
    if (session.isUp) this.#input({ kind: 'session-ended', session: name });
  }

  #endSession(name: number, reason: 'replaced' | 'other-incarnation'): void {
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    this.#sessions.delete(name);
    session.destroy();
    this.#context.report({ kind: 'session-ended', member: this.#peer, direction: session.direction, reason });
  }
}

function dialFailure(code: string): DialFailure {
  if (code === WRONG_MEMBER) return 'wrong-member';
  // The operating system's codes begin with E, those of Node and of TLS with ERR_ or with the flaw of the certificate.
  return code.startsWith('E') && !code.startsWith('ERR_') ? 'unreachable' : 'tls-failed';
}
