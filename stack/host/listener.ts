// A port on which connections are accepted.

import type { Acceptor, HostConnection, Waiting } from './host-connection.js';

export interface ListenerOptions {
  readonly port: number;
  /** 'offered' needs a host that is a member of a service; 'off' serves ordinary TCP only. */
  readonly migration: 'offered' | 'off';
  /** Whether the application can go on from this state; asked before a connection is taken from another member. */
  readonly canRestore: (state: Uint8Array) => boolean;
  /** A connection that is open, whether new or arrived from another member. */
  readonly onConnection: (connection: HostConnection) => void;
}

export class Listener implements Acceptor {
  readonly options: ListenerOptions;
  /** Of its connections, those that are not open yet; and those of them that returned a SYN cookie. */
  readonly halfOpen: Waiting = { count: 0 };
  readonly returned: Waiting = { count: 0 };
  /** False once it is closed: new connections are reset, and those of other members refused. */
  accepting = true;

  constructor(options: ListenerOptions) {
    this.options = options;
  }
}
