// What a peer channel tells about itself, for logs and metrics, and the errors with which it refuses to begin.
//
// Events name members, addresses, reasons and codes; never a key, a certificate or a message's content.

import type { SessionDirection, UndeliveredReason } from '../transfer/link.js';
import type { PeerMessage } from '../transfer/messages.js';
import type { SessionFailure } from '../transfer/session.js';
import { formatAddress, type Address } from '../wire/address.js';
import type { MemberId } from '../wire/migrate-options.js';

/** Why somebody who connected, or who answered where we dialled, is not let in. */
export type PeerRefusal =
  /** No certificate, one of another authority, an expired one, no TLS 1.3, or no TLS at all. */
  | 'tls-failed'
  /** The certificate is the cluster's, and names no member or several. */
  | 'no-member-named'
  /** The certificate names a member that is not in the list. */
  | 'unknown-member'
  /** The certificate names another member than the one that was dialled. */
  | 'wrong-member';

/** What happened on the channel between members; plain data, without any secret. */
export type PeerEvent =
  | {
      readonly kind: 'refused';
      /** "unknown" where the connection is gone already by the time that TLS tells us. */
      readonly remote: string;
      readonly reason: PeerRefusal;
      /** TLS's word for it; empty where there is none. */
      readonly code: string;
    }
  | {
      readonly kind: 'dial-failed';
      readonly member: MemberId;
      readonly remote: string;
      readonly reason: 'unreachable' | 'timed-out' | PeerRefusal | SessionFailure;
      /** The operating system's or TLS's word for it; empty where there is none. */
      readonly code: string;
    }
  | {
      readonly kind: 'session-up';
      readonly member: MemberId;
      readonly direction: SessionDirection;
      readonly incarnation: string;
    }
  | {
      readonly kind: 'session-ended';
      readonly member: MemberId;
      readonly direction: SessionDirection;
      readonly reason: SessionFailure | 'replaced' | 'other-incarnation';
    }
  | {
      readonly kind: 'undelivered';
      readonly member: MemberId;
      readonly message: PeerMessage['kind'];
      readonly reason: UndeliveredReason | 'unknown-member';
    };

/** How many events of each kind there have been since the start. */
export type PeerCounters = Record<PeerEvent['kind'], number>;

/** The peer address can't be listened on. */
export class PeerListenFailed extends Error {
  override readonly name = 'PeerListenFailed';

  constructor(
    readonly address: Address,
    /** The operating system's code: EADDRINUSE, EACCES, ... */
    readonly code: string,
  ) {
    const what = code === 'EADDRINUSE' ? 'the port is in use' : code;
    super(`cannot listen for members on ${formatAddress(address)}: ${what}`);
  }
}

/** Our own certificate, key or authority is not usable; the message never has any part of them. */
export class PeerCredentialsInvalid extends Error {
  override readonly name = 'PeerCredentialsInvalid';

  constructor(readonly problem: string) {
    super(`the credentials for the members' channel are not usable: ${problem}`);
  }
}
