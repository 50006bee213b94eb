// What members say to each other.
//
// The origin of a connection is asked by `fetch` and answers `image` or `refuse`; `installed` and `returned` tell who owns
// it now; `inquire` asks that, answered by `held` or `disclaimed`; `pull` asks for work. Control messages belong to the
// session alone and never reach a `PeerReceiver`. Their bytes are the business of `message-codec.ts`.

import type { ConnectionId, MemberId } from '../wire/migrate-options.js';
import type { RefusalReason } from '../wire/refusal-reason.js';
import type { Sequence } from '../wire/sequence.js';

/** Chosen by the asking member; comes back in the answer. 32 bits. */
export type ExchangeId = number;

export interface FetchMessage {
  readonly kind: 'fetch';
  readonly exchange: ExchangeId;
  readonly cid: ConnectionId;
  /** The epoch that the move begins. */
  readonly epoch: number;
  /** As the client named it. */
  readonly origin: MemberId;
  /** From here on what the client's MIGRATE_REQ says: the epoch that it last accepted, its rcv.nxt, its snd.una, and the proof that the origin checks (S4). */
  readonly acceptedEpoch: number;
  readonly receiveNext: Sequence;
  readonly sendUnacknowledged: Sequence;
  readonly nonce: number;
  /** 12 bytes. */
  readonly mac: Uint8Array;
}

export interface ImageMessage {
  readonly kind: 'image';
  readonly exchange: ExchangeId;
  readonly cid: ConnectionId;
  readonly epoch: number;
  /** At most `maxImageLength` bytes. */
  readonly image: Uint8Array;
}

export interface RefuseMessage {
  readonly kind: 'refuse';
  readonly exchange: ExchangeId;
  readonly cid: ConnectionId;
  readonly epoch: number;
  readonly reason: RefusalReason;
  /** Who may hold the connection instead (a forwarding pointer); 0 for nobody known. */
  readonly holder: MemberId;
  /** The mac for the client's MIGRATE_FAIL: 8 bytes where the key is known, else none. */
  readonly failMac: Uint8Array;
}

/** A statement or question about one connection that is no answer: `installed`, `returned`. */
export interface OwnershipMessage {
  readonly kind: 'installed' | 'returned';
  readonly cid: ConnectionId;
  readonly epoch: number;
}

/** Who holds the connection at that epoch: the question and its two answers. */
export interface InquiryMessage {
  readonly kind: 'inquire' | 'held' | 'disclaimed';
  readonly exchange: ExchangeId;
  readonly cid: ConnectionId;
  readonly epoch: number;
}

/** The sender asks to be sent connections: triggers for up to `count` of them. */
export interface PullMessage {
  readonly kind: 'pull';
  readonly count: number;
}

/** What a `PeerChannel` carries. */
export type PeerMessage = FetchMessage | ImageMessage | RefuseMessage | OwnershipMessage | InquiryMessage | PullMessage;

/** What sessions say to each other. */
export type ControlMessage =
  | {
      readonly kind: 'hello';
      readonly protocolVersion: number;
      readonly member: MemberId;
      /** 8 bytes as 16 hexadecimal digits; new at each start of the member's process. */
      readonly incarnation: string;
    }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' };

/** The version that `hello` offers; a session needs the same one on both sides. */
export const PEER_PROTOCOL_VERSION = 1;

/** The length of `incarnation` in bytes; two hexadecimal digits each. */
export const INCARNATION_LENGTH = 8;
