// A session (`transfer/session.ts`) on a real TLS socket: carries its inputs in, does what it says, keeps its one timer.

import type { TLSSocket } from 'node:tls';
import type { SessionDirection } from '../transfer/link.js';
import type { PeerMessage } from '../transfer/messages.js';
import {
  handle,
  openSession,
  poll,
  type SessionConfig,
  type SessionEvent,
  type SessionInput,
} from '../transfer/session.js';
import type { Clock, Timer } from './driver.js';

export interface PeerSocketOptions {
  /** Authenticated already: its certificate names `config.peer`. */
  readonly socket: TLSSocket;
  readonly config: SessionConfig;
  readonly direction: SessionDirection;
  readonly clock: Clock;
  /** `failed` is the last one, and none comes after `end`. */
  readonly onEvent: (event: SessionEvent) => void;
}

export class PeerSocket {
  readonly direction: SessionDirection;
  readonly #options: PeerSocketOptions;
  readonly #record;
  #isUp = false;
  #isEnded = false;
  #timer: Timer | undefined;
  #armedFor = Infinity;

  constructor(options: PeerSocketOptions) {
    this.direction = options.direction;
    this.#options = options;
    this.#record = openSession(options.config, options.clock.now());
    const { socket } = options;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#input({ kind: 'bytes-received', bytes }));
    socket.on('drain', () => this.#input({ kind: 'drained' }));
    socket.on('end', () => this.#input({ kind: 'closed' }));
    socket.on('error', () => this.#input({ kind: 'closed' }));
    socket.on('close', () => this.#input({ kind: 'closed' }));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Greets. Apart from the constructor, so that events find their receiver ready. */
  start(): void {
    this.#drain();
  }

  send(message: PeerMessage): void {
    this.#input({ kind: 'send', message });
  }

  /** Ends without an event; what has been written may still leave before the socket closes. */
  close(): Promise<void> {
    const { socket } = this.#options;
    this.#isEnded = true;
    this.#timer?.cancel();
    return new Promise((resolve) => {
      if (socket.closed) resolve();
      socket.once('close', () => resolve());
      socket.destroySoon();
    });
  }

  /** Ends at once, without an event. */
  destroy(): void {
    this.#isEnded = true;
    this.#timer?.cancel();
    this.#options.socket.destroy();
  }

  #input(input: SessionInput): void {
    if (this.#isEnded) return;
    handle(this.#record, this.#options.clock.now(), input);
    this.#drain();
  }

  #drain(): void {
    while (!this.#isEnded) {
      const output = poll(this.#record);
      switch (output.kind) {
        case 'wait':
          return this.#wait(output.until);
        case 'write':
          this.#write(output.chunks);
          break;
        case 'failed':
          this.destroy();
          this.#options.onEvent(output);
          return;
        case 'up':
          this.#isUp = true;
          this.#options.onEvent(output);
          break;
        default:
          this.#options.onEvent(output);
      }
    }
  }

  #write(chunks: readonly Uint8Array[]): void {
    const { socket } = this.#options;
    let hasRoom = true;
    socket.cork();
    for (const chunk of chunks) hasRoom = socket.write(chunk);
    socket.uncork();
    if (!hasRoom) handle(this.#record, this.#options.clock.now(), { kind: 'blocked' });
  }

  /** Most inputs move the deadline on: a timer that is armed for an earlier one stays, and asks again when it fires. */
  #wait(until: number): void {
    if (until >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = until;
    this.#timer = this.#options.clock.wakeAt(until, () => {
      this.#armedFor = Infinity;
      this.#input({ kind: 'deadline' });
    });
  }
}
