// What ends a connection from the user's point of view: coded errors, with the codes of node:net where it has them.

import type { CloseReason } from '../migration/record.js';
import type { Address } from '../wire/address.js';
import { formatAddress } from '../wire/address.js';

const ENDINGS: Readonly<Record<Exclude<CloseReason, 'finished'>, { readonly code: string; readonly text: string }>> = {
  reset: { code: 'ECONNRESET', text: 'the peer reset the connection' },
  refused: {
    code: 'ECONNREFUSED',
    text: 'nobody accepts connections there; check the address, and that the server runs',
  },
  'timed-out': { code: 'ETIMEDOUT', text: 'the peer does not answer' },
  aborted: { code: 'ECONNABORTED', text: 'the connection was aborted here' },
  'move-gave-up': { code: 'ERR_MOVE_GAVE_UP', text: 'no member of the service took the connection' },
  'not-migratory': {
    code: 'ERR_NOT_MIGRATORY',
    text: "the server does not offer migration; connect with migration: 'preferred' to go without",
  },
  'set-up-failed': {
    code: 'ERR_SET_UP_FAILED',
    text: "the set-up record was missing, or not signed by the expected service; check the service's public key",
  },
};

/** Why a connection ended before both sides had finished. `code` is stable. */
export class ConnectionFailed extends Error {
  override readonly name = 'ConnectionFailed';
  readonly code: string;
  readonly reason: CloseReason;

  constructor(reason: Exclude<CloseReason, 'finished'>, remote: Address) {
    const { code, text } = ENDINGS[reason];
    super(`${code}: ${formatAddress(remote)}: ${text}`);
    this.code = code;
    this.reason = reason;
  }
}

/** At a destination: the application produced other output than at the origin. None of it has left. */
export class ReplayDiverged extends Error {
  override readonly name = 'ReplayDiverged';
  readonly code = 'ERR_REPLAY_DIVERGED';

  constructor() {
    super(
      'the output produced again after a move differs from the first; snapshot before anything that is not repeatable, ' +
        "or use the output mode 'held'",
    );
  }
}

/** The stack was closed: nothing can be opened on it any more. */
export class StackClosed extends Error {
  override readonly name = 'StackClosed';
  readonly code = 'ERR_STACK_CLOSED';

  constructor() {
    super('the stack is closed; create another one');
  }
}

/** What the callback of a write gets that `destroy` has overtaken; the code is that of node:stream. */
export class StreamDestroyed extends Error {
  override readonly name = 'StreamDestroyed';
  readonly code = 'ERR_STREAM_DESTROYED';

  constructor() {
    super('the connection was destroyed before the write was taken');
  }
}

/** A call that this kind of connection does not have. */
export class WrongRole extends Error {
  override readonly name = 'WrongRole';
  readonly code = 'ERR_WRONG_ROLE';
}
