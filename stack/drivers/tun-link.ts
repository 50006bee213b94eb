// The packets of a TUN device: read in bounded batches after each wake-up, written without a copy.
//
// Nothing is read in a busy loop: a batch ends where the device has nothing more, and a thread of libuv's pool waits then.
// Where a batch has been full, the next one is a turn of the event loop later, so that timers and other sockets live on.

import { writevSync } from 'node:fs';
import { OFFLOAD_HEADER_LENGTH } from '../wire/ip/offload.js';
import type { PacketLink } from './tun.js';
import type { TunHandle } from './tun-system.js';

/** The longest packet there is, with a header of IPv6 that is not counted in its length, and the offload header. */
const MAX_READ_LENGTH = OFFLOAD_HEADER_LENGTH + 40 + 0xffff + 6;
/** Read into, one packet behind the other, so that none has to be moved; large enough that few are needed. */
const SLAB_LENGTH = 16 * MAX_READ_LENGTH;
/** What is shorter is copied out: a few bytes that somebody keeps must not keep a whole slab. */
const MIN_KEPT_LENGTH = 4_096;
const BATCH_COUNT = 64;
const ALIGNMENT = 8;
/** The kernel takes no more than 1,024 pieces at once (IOV_MAX), and few are cheaper to copy than to gather. */
const MAX_PIECE_COUNT = 64;

export class TunLink implements PacketLink {
  /** Packets that the kernel did not take: its queue was full, or the device is down. */
  writeErrors = 0;
  readonly #handle: TunHandle;
  #slab = Buffer.allocUnsafeSlow(SLAB_LENGTH);
  #used = 0;
  #receive: (packet: Uint8Array) => void = () => undefined;
  #state: 'fresh' | 'reading' | 'closed' = 'fresh';

  constructor(handle: TunHandle) {
    this.#handle = handle;
  }

  /** Begins to read. The bytes, from the offload header on, are the receiver's to keep. */
  start(receive: (packet: Uint8Array) => void): void {
    if (this.#state !== 'fresh') return;
    this.#state = 'reading';
    this.#receive = receive;
    this.#wait();
  }

  #wait(): void {
    this.#handle.wait(() => this.#readBatch());
  }

  #readBatch(): void {
    for (let count = 0; count < BATCH_COUNT; count++) {
      // Whoever takes a packet may close the driver.
      if (this.#state !== 'reading') return;
      const packet = this.#read();
      if (packet === undefined) return this.#wait();
      this.#receive(packet);
    }
    setImmediate(() => this.#readBatch());
  }

  #read(): Uint8Array | undefined {
    if (SLAB_LENGTH - this.#used < MAX_READ_LENGTH) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_LENGTH);
      this.#used = 0;
    }
    const at = this.#used;
    const length = this.#handle.read(this.#slab.subarray(at));
    if (length < OFFLOAD_HEADER_LENGTH) return undefined;
    if (length < MIN_KEPT_LENGTH) return Buffer.from(this.#slab.subarray(at, at + length));
    this.#used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return this.#slab.subarray(at, at + length);
  }

  /** One packet, the offload header first. What the kernel does not take is lost, and counted. */
  write(headers: Uint8Array, payload: readonly Uint8Array[]): void {
    if (this.#state === 'closed') return;
    const pieces = payload.length < MAX_PIECE_COUNT ? [headers, ...payload] : [headers, Buffer.concat(payload)];
    try {
      writevSync(this.#handle.fd, pieces);
    } catch {
      this.writeErrors++;
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#handle.close();
  }
}
