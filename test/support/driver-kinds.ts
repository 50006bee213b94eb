// Drivers under contract: how each is made, how a stranger sends it bytes, and how one waits for what is under way.
//
// TUN has its network in a namespace, which `npm run test:kernel` prepares.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import {
  MemoryNetwork,
  openTunDriver,
  SeededEntropy,
  UdpDriver,
  VirtualClock,
  type Address,
  type Driver,
  type TunDriver,
} from '@migratory/stack';
import { encapsulateHeader } from '@migratory/stack/internal/wire/encapsulation.js';
import { FLAG } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from './bytes.js';
import { KERNEL_TESTS_MISSING, sendRawTcp } from './kernel-network.js';

export interface DriverUnderTest {
  readonly driver: Driver;
  /** Another one, on the same network. */
  readonly peer: Driver;
  /** A datagram from somebody who does not speak our encapsulation. */
  readonly inject: (to: Address, datagram: Uint8Array) => Promise<void>;
  readonly malformedDrops: () => number;
  /** Datagrams that are no segments, whatever the driver's encapsulation. */
  readonly garbage: readonly Uint8Array[];
  /** Whether what comes for ports that nobody has reaches the receiver. */
  readonly strangersPorts: 'delivered' | 'dropped';
  /** Goes on when `condition` holds. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

export interface DriverKind {
  readonly name: string;
  /** Undefined where this machine can run it; else why not. */
  readonly missing: string | undefined;
  open(): DriverUnderTest | Promise<DriverUnderTest>;
}

/** Strangers' datagrams, and headers that are cut short or wrong, in our encapsulation in UDP. */
function encapsulatedGarbage(): Uint8Array[] {
  const header = encapsulateHeader({
    sequence: 1,
    acknowledgment: 7,
    flags: FLAG.ack,
    window: 1_000,
    options: { timestamps: { value: 1, echo: 2 } },
    payload: [],
    payloadLength: 0,
  });
  const changed = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = header.slice();
    copy.set(bytes, at);
    return copy;
  };
  return [
    Buffer.from('x'),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    pattern(1_200),
    changed(12, 0xf0),
    changed(12, 0x10),
    changed(3, 2),
    changed(22, 8, 200),
    ...Array.from({ length: header.length - 1 }, (_, length) => header.subarray(0, length + 1)),
  ];
}

/** One turn of the event loop, network included. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function udp(name: string, ip: string): DriverKind {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return {
    name,
    missing: addresses.some(({ address }) => address === ip) ? undefined : `this machine has no ${ip}`,
    open: () => {
      const driver = new UdpDriver({ ip });
      return {
        driver,
        peer: new UdpDriver({ ip }),
        inject: async (to, datagram) => {
          const socket = createSocket(driver.family === 6 ? 'udp6' : 'udp4');
          socket.bind(0, ip);
          await once(socket, 'listening');
          await new Promise<void>((resolve) => socket.send(datagram, to.port, to.ip, () => resolve()));
          socket.close();
        },
        malformedDrops: () => driver.counters.malformedDrops,
        garbage: encapsulatedGarbage(),
        strangersPorts: 'dropped',
        until: async (condition) => {
          while (!condition()) await turn();
        },
      };
    },
  };
}

const memory: DriverKind = {
  name: 'memory',
  missing: undefined,
  open: () => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock, new SeededEntropy(1));
    const driver = network.attach('10.0.0.1');
    return {
      driver,
      peer: network.attach('10.0.0.2'),
      inject: (to, datagram) => {
        driver.deliver(to, { ip: '10.0.0.9', port: 9 }, datagram);
        return Promise.resolve();
      },
      malformedDrops: () => driver.counters.malformedDrops,
      garbage: encapsulatedGarbage(),
      strangersPorts: 'dropped',
      until: async (condition) => {
        while (!condition()) {
          await turn();
          clock.step();
        }
      },
    };
  },
};

let deviceCount = 0;

/** Two devices, between which the kernel forwards. */
function tun(name: string, family: 4 | 6): DriverKind {
  return {
    name,
    missing: KERNEL_TESTS_MISSING,
    open: async () => {
      const [driver, peer] = [await openTun(family), await openTun(family)];
      return {
        driver,
        peer,
        inject: (to, datagram) => sendRawTcp(to.ip, datagram),
        malformedDrops: () => driver.counters.malformedDrops,
        garbage: tcpGarbage(),
        strangersPorts: 'delivered',
        until: async (condition) => {
          while (!condition()) await turn();
        },
      };
    },
  };
}

function openTun(family: 4 | 6): Promise<TunDriver> {
  const number = ++deviceCount;
  const [ip, address] =
    family === 4 ? [`10.88.${number}.2`, `10.88.${number}.1/24`] : [`fd88:${number}::2`, `fd88:${number}::1/64`];
  return openTunDriver({ name: `contract${number}`, ips: [ip], addresses: [address] });
}

/** Headers of TCP that are cut short or wrong. */
function tcpGarbage(): Uint8Array[] {
  return encapsulatedGarbage().filter((bytes) => bytes.length !== 1_200);
}

export const DRIVER_KINDS: readonly DriverKind[] = [
  udp('UDP over IPv4', '127.0.0.1'),
  udp('UDP over IPv6', '::1'),
  memory,
  tun('TUN over IPv4', 4),
  tun('TUN over IPv6', 6),
];
