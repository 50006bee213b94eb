// What the calls of a script act on: its sockets, and the host behind them.

import type { Settings } from './settings.js';
import { SocketTable } from './sockets.js';
import { Subject } from './subject.js';

export class World {
  readonly sockets = new SocketTable();
  readonly subject: Subject;
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.subject = new Subject(settings.tcp, settings.ipVersion);
  }

  /** As `getsockopt` tells it. */
  get receiveBufferLength(): number {
    return this.#settings.tcp.initialReceiveWindowLength;
  }
}
