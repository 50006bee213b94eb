// A port on which connections are accepted.

import type { Acceptor, HostConnection } from './host-connection.js';

export interface ListenerOptions {
  readonly port: number;
  /** 'offered' needs a host that is a member of a service; 'off' serves ordinary TCP only. */
  readonly migration: 'offered' | 'off';
  /** A connection that is open, whether new or arrived from another member. */
  readonly onConnection: (connection: HostConnection) => void;
}

export class Listener implements Acceptor {
  readonly options: ListenerOptions;
  halfOpenCount = 0;
  /** False while draining: connections that want to come from other members are refused, new ones are not answered. */
  accepting = true;

  constructor(options: ListenerOptions) {
    this.options = options;
  }
}
