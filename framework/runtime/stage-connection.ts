// What the runtime needs of a connection: the part of the stack's face that a handler is driven by.
//
// The stack's `MigratoryConnection` has all of it; so has the fake of the tests, which moves without any network.

import type { Address, LockKind, OutputMode } from '@migratory/stack';
import type { Duplex } from 'node:stream';

/** `new`: the client has just come. `migrated`: it comes from another member, with the last snapshot taken there. */
export type ConnectionState = { readonly kind: 'new' } | { readonly kind: 'migrated'; readonly state: Uint8Array };

/**
 * A Duplex with restart points. `setState` keeps its bytes and the offsets of that instant: input up to what has been read
 * (what is in the readable buffer counts as unread), output up to what has been written. The event 'moved', with a
 * `Departure`, says that the connection has left; the stream then closes without an error.
 */
export interface StageConnection extends Duplex {
  readonly remoteAddress: Address;
  readonly cid: string | undefined;
  readonly epoch: number;
  /** Bytes of the image in which the connection came; 0 where it began here. */
  readonly imageLength: number;
  /** Bytes written that the client may not have: they must stay as they are. */
  readonly unacknowledgedLength: number;
  /** The same answer at each call. */
  getState(): ConnectionState;
  /** Takes a snapshot: these bytes, and where both streams are now. */
  setState(state: Uint8Array): void;
  /** Replaces the bytes of the last `setState`; the offsets stay those of then. */
  amendState(state: Uint8Array): void;
  /**
   * 'here': the connection stays until `unlockState`. 'migrated': it has left; roll back and stop. A move that is asked for waits
   * ('locked', the default), or is refused at once ('pinned'); the last call says which.
   */
  lockState(kind?: LockKind): 'here' | 'migrated';
  /** The connection may leave again; a move that has waited happens now. */
  unlockState(): void;
  /** What is promised of output behind the last snapshot. */
  setOutputMode(mode: OutputMode): void;
  /** Asks the client to go to another member; whether it does shows in 'moved'. */
  adviseMove(to: number): void;
}
