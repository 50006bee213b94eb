// A stranger at a member's door: it opens a TCP connection that offers to move, and then does not keep to the protocol.

import type { MemoryDriver } from '@migratory/stack/internal/drivers/memory.js';
import { encodeClientSetup } from '@migratory/stack/internal/migration/setup-record.js';
import { handle, openActive, poll } from '@migratory/stack/internal/tcp/connection.js';
import type { TcpInput, TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import type { World } from '../support/world.js';

export const STRANGER_HABITS = [
  /** Sends one SYN and is gone. */
  'vanishes',
  /** Opens the connection and says nothing. */
  'silent',
  /** Ends, or resets, in the middle of its record. */
  'ends-early',
  'resets-early',
  /** Its record has an impossible length, an unknown version, the server's kind, or a key that gives no secret. */
  'bad-length',
  'bad-version',
  'bad-kind',
  'bad-key',
] as const;

export type StrangerHabit = (typeof STRANGER_HABITS)[number];

const PORT = 40_000;

export class Stranger {
  readonly #world: World;
  readonly #habit: StrangerHabit;
  readonly #local: Address;
  readonly #remote: Address;
  readonly #driver: MemoryDriver;
  readonly #record: TcpRecord;

  constructor(world: World, index: number, remote: Address, habit: StrangerHabit) {
    this.#world = world;
    this.#habit = habit;
    this.#local = { ip: `10.2.${index >> 8}.${index & 0xff}`, port: PORT };
    this.#remote = remote;
    this.#driver = world.network.attach(this.#local.ip, world.options.mtu);
    this.#driver.bindNow(PORT);
    const [initialSequence, timestampOffset] = [world.random.u32(), world.random.u32()];
    const now = world.clock.now();
    this.#record = openActive(world.tcpConfig(), now, { initialSequence, timestampOffset, migrateCapable: 0 });
    this.#driver.start({ segment: (_local, _remote, segment) => this.#take({ kind: 'segment', segment }) });
    this.#drain();
    if (habit === 'vanishes') void this.#driver.close();
  }

  #take(input: TcpInput): void {
    handle(this.#record, this.#world.clock.now(), input);
    this.#drain();
  }

  #drain(): void {
    const { clock } = this.#world;
    for (;;) {
      const output = poll(this.#record, clock.now());
      if (output.kind === 'transmit') {
        this.#driver.transmit(this.#local, this.#remote, output.segment);
      } else if (output.kind === 'event') {
        if (output.event.kind === 'established') this.#misbehave();
      } else {
        if (output.until !== Infinity && this.#habit !== 'vanishes') {
          clock.wakeAt(output.until, () => this.#take({ kind: 'deadline' }));
        }
        return;
      }
    }
  }

  #misbehave(): void {
    const now = this.#world.clock.now();
    const bytes = recordOf(this.#habit, this.#world.random.bytes(32));
    if (bytes.length > 0) handle(this.#record, now, { kind: 'write', bytes });
    if (this.#habit === 'ends-early') handle(this.#record, now, { kind: 'close' });
    if (this.#habit === 'resets-early') handle(this.#record, now, { kind: 'abort' });
  }
}

function recordOf(habit: StrangerHabit, key: Uint8Array): Uint8Array {
  const bytes = encodeClientSetup({ publicKey: habit === 'bad-key' ? new Uint8Array(32) : key });
  switch (habit) {
    case 'vanishes':
    case 'silent':
      return new Uint8Array(0);
    case 'ends-early':
    case 'resets-early':
      return bytes.subarray(0, 9);
    case 'bad-length':
      bytes[0] = 0xff;
      return bytes;
    case 'bad-kind':
      bytes[2] = 2;
      return bytes;
    case 'bad-version':
      bytes[3] = 99;
      return bytes;
    case 'bad-key':
      return bytes;
  }
}
