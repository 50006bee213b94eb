// A world in which the stack's sequence numbers begin where a test wants them.
//
// They are a mac over the path, plus a clock (RFC 6528): with known randomness and a known port of the client, a clock that
// is set to the right time of day gives any number. Nothing in the stack is changed for it.

import { SystemClock, type Clock, type Entropy, type MigratoryConnection, type Timer } from '@migratory/stack';
import { seedForPath } from '@migratory/stack/internal/host/isn.js';
import { openTunWorld, STACK_IP, STACK_IP6, type TunWorld, type WorldOptions } from './tun-world.js';

const CLIENT_PORT = 40_000;
const PORT = 80;
const NUMBERS_PER_MS = 250;
/** The client needs so long, at most, from when it is told to connect until its SYN is here. */
const START_MS = 4_000;

/** No two numbers of it differ: whoever asks first gets the secret that is known here. */
const KNOWN: Entropy = { bytes: (length) => new Uint8Array(length).fill(7) };

class SetClock implements Clock {
  readonly #inner = new SystemClock();
  #aheadMs = 0;

  now(): number {
    return this.#inner.now() + this.#aheadMs;
  }

  wakeAt(time: number, callback: () => void): Timer {
    return this.#inner.wakeAt(time - this.#aheadMs, callback);
  }

  set(ms: number): void {
    this.#aheadMs = ms - this.#inner.now();
  }
}

export interface WrappingWorld extends TunWorld {
  /** For `curl`: the connection's numbers depend on the port. */
  readonly flags: readonly string[];
  /** Of what the stack has sent and received: the first number, and whether one behind it was smaller. */
  readonly sent: Numbers;
  readonly received: Numbers;
}

export interface Numbers {
  first: number;
  hasWrapped: boolean;
}

/** The next connection's first number is `beforeWrap` before 2^32, or a little less. */
export async function openWrappingWorld(
  family: 4 | 6,
  beforeWrap: number,
  serve: (connection: MigratoryConnection) => void,
  options: WorldOptions = {},
): Promise<WrappingWorld> {
  const clock = new SetClock();
  const world = await openTunWorld(serve, { ...options, clock, entropy: KNOWN });
  const local = { ip: family === 4 ? STACK_IP : STACK_IP6, port: PORT };
  const remote = { ip: family === 4 ? world.client.ip : world.client.ip6, port: CLIENT_PORT };
  const mac = seedForPath(KNOWN.bytes(32), 0, local, remote).initialSequence;
  clock.set(((2 ** 32 - beforeWrap - mac) >>> 0) / NUMBERS_PER_MS);
  const [sent, received] = [newNumbers(), newNumbers()];
  const { driver, stack } = world;
  const [transmit, receive] = [driver.transmit.bind(driver), stack.host.receive.bind(stack.host)];
  driver.transmit = (from, to, segment) => {
    note(sent, segment.sequence);
    transmit(from, to, segment);
  };
  stack.host.receive = (now, to, from, segment) => {
    note(received, segment.sequence);
    receive(now, to, from, segment);
  };
  return { ...world, sent, received, flags: ['--local-port', String(CLIENT_PORT)] };
}

/**
 * A client in Python whose kernel begins at the sequence number that it is told, after the address: it is set by what restores
 * connections from a checkpoint (TCP_REPAIR). Then comes what it does.
 */
export const CLIENT_FROM_NUMBER = `
import hashlib, os, socket, struct, sys
address, first = sys.argv[1], int(sys.argv[2])
REPAIR, QUEUE, SEQUENCE, SENDING = 19, 20, 21, 2
client = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM)
client.setsockopt(socket.IPPROTO_TCP, REPAIR, 1)
client.setsockopt(socket.IPPROTO_TCP, QUEUE, SENDING)
client.setsockopt(socket.IPPROTO_TCP, SEQUENCE, struct.pack('I', first))
client.setsockopt(socket.IPPROTO_TCP, REPAIR, 0)
client.connect((address, 80))
`;

/** How many numbers `beforeWrap` may turn out to be less. */
export const START_NUMBERS = START_MS * NUMBERS_PER_MS;

function newNumbers(): Numbers {
  return { first: -1, hasWrapped: false };
}

function note(numbers: Numbers, sequence: number): void {
  if (numbers.first < 0) numbers.first = sequence;
  if (sequence < 2 ** 31 && numbers.first >= 2 ** 31) numbers.hasWrapped = true;
}
