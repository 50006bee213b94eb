// The record of one migratory connection: TCP below, the phase of the protocol, and what is kept for the application.
//
// Like TCP's record it is driven by `handle` and `poll` (connection.ts) and never touches a clock, a socket or randomness.

import type { TcpRecord } from '../tcp/state.js';
import type { CloseReason as TcpCloseReason } from '../tcp/state.js';
import type { Address } from '../wire/address.js';
import type { ConnectionId, MemberId } from '../wire/migrate-options.js';
import type { RefusalReason } from '../wire/refusal-reason.js';
import type { Segment } from '../wire/segment.js';
import type { MigrationLimits } from './config.js';
import type { ServiceIdentity } from './keys.js';
import type { Phase } from './machine.js';
import type { Policy } from './policy.js';
import type { MemberAddress } from './setup-record.js';
import type { Synchronisation } from './synchronisation.js';

/** What a client asks for when it connects. */
export interface ClientTerms {
  readonly kind: 'client';
  /** 'required' ends the connection where the server does not offer migration. */
  readonly migration: 'required' | 'preferred';
  /** The service's Ed25519 key, 32 bytes, on which the client insists. */
  readonly serviceKey: Uint8Array | undefined;
  /** 32 random bytes. */
  readonly privateKey: Uint8Array;
  readonly policy: Policy;
}

/** What a member offers to one connection. */
export interface ServerTerms {
  readonly kind: 'server';
  readonly member: MemberId;
  readonly members: readonly MemberAddress[];
  readonly identity: ServiceIdentity;
  /** The cid that this connection gets if it sets up. */
  readonly cid: ConnectionId;
  /** 32 random bytes. */
  readonly privateKey: Uint8Array;
}

/** A connection that neither offers nor accepts migration. */
export interface PlainTerms {
  readonly kind: 'plain';
}

/** At a destination: the connection came as an image. */
export interface ArrivedTerms {
  readonly kind: 'arrived';
  readonly member: MemberId;
}

export type Terms = ClientTerms | ServerTerms | PlainTerms | ArrivedTerms;

/** Why a connection is gone. */
export type CloseReason =
  | TcpCloseReason
  /** The client gave a move up: no member took the connection. */
  | 'move-gave-up'
  /** The server does not offer migration, and the client requires it. */
  | 'not-migratory'
  /** The set-up record was missing, malformed, or not signed by the expected service. */
  | 'set-up-failed';

/** One finished move, as the client saw it. */
export interface MoveReport {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly epoch: number;
  /** From the first MIGRATE_REQ to the answer that was accepted. */
  readonly stallMs: number;
  /** Of all members that were asked before. */
  readonly refusals: readonly { readonly member: MemberId; readonly reason: RefusalReason }[];
}

/** What does not end a connection, and may be worth knowing (RFC 9293 MUST-47). */
export type Trouble =
  /** So many times in a row what was sent was not acknowledged in time. */
  | { readonly kind: 'unacknowledged'; readonly timeoutCount: number }
  /** A router says that the peer is not to be reached: for now ('soft'), or at all ('hard'), which nothing proves. */
  | { readonly kind: 'unreachable'; readonly hardness: 'hard' | 'soft' };

export type ConnectionEvent =
  /** TCP's handshake is done (client), or the application may take the connection (server). */
  | { readonly kind: 'open' }
  /** Both set-up records are in: the connection can move. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'readable' }
  | { readonly kind: 'writable' }
  | { readonly kind: 'end-of-input' }
  | { readonly kind: 'urgent' }
  | { readonly kind: 'trouble'; readonly trouble: Trouble }
  /** Client: which addresses belong to the connection has changed. */
  | { readonly kind: 'paths-changed' }
  | { readonly kind: 'moved'; readonly report: MoveReport }
  /** Server: the client has proved itself at this member. */
  | { readonly kind: 'confirmed' }
  /** Server: the image has left. */
  | { readonly kind: 'departed'; readonly to: MemberId; readonly epoch: number }
  /** Server: the replay differs from what the client has or what the origin produced. */
  | { readonly kind: 'diverged' }
  | { readonly kind: 'closed'; readonly reason: CloseReason };

export type ConnectionOutput =
  | { readonly kind: 'transmit'; readonly to: Address; readonly segment: Segment }
  | { readonly kind: 'event'; readonly event: ConnectionEvent }
  | { readonly kind: 'wait'; readonly until: number };

export interface MigratoryRecord {
  readonly limits: MigrationLimits;
  readonly terms: Terms;
  readonly local: Address;
  remote: Address;
  tcp: TcpRecord;
  phase: Phase;
  /** At a server that takes part in migration. */
  sync: Synchronisation | undefined;
  /** Application bytes that came behind the peer's set-up record. */
  readAhead: Uint8Array | undefined;
  /** What a client wrote before it could know whether a set-up record comes first; undefined where it wrote nothing then. */
  early: { readonly writes: Uint8Array[]; ended: boolean } | undefined;
  readonly outbox: { readonly to: Address; readonly segment: Segment }[];
  events: ConnectionEvent[];
}

export function newRecord(
  limits: MigrationLimits,
  terms: Terms,
  local: Address,
  remote: Address,
  tcp: TcpRecord,
): MigratoryRecord {
  return {
    limits,
    terms,
    local,
    remote,
    tcp,
    phase: { kind: 'opening' },
    sync: undefined,
    readAhead: undefined,
    early: undefined,
    outbox: [],
    events: [],
  };
}
