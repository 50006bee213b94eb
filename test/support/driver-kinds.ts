// Drivers under contract: how each is made, how a stranger sends it bytes, and how one waits for what is under way.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { MemoryNetwork, SeededEntropy, UdpDriver, VirtualClock, type Address, type Driver } from '@migratory/stack';

export interface DriverUnderTest {
  readonly driver: Driver;
  /** Another one, on the same network. */
  readonly peer: Driver;
  /** A datagram from somebody who does not speak our encapsulation. */
  readonly inject: (to: Address, datagram: Uint8Array) => Promise<void>;
  readonly malformedDrops: () => number;
  /** Goes on when `condition` holds. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

export interface DriverKind {
  readonly name: string;
  /** Undefined where this machine can run it; else why not. */
  readonly missing: string | undefined;
  open(): DriverUnderTest;
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
      until: async (condition) => {
        while (!condition()) {
          await turn();
          clock.step();
        }
      },
    };
  },
};

export const DRIVER_KINDS: readonly DriverKind[] = [
  udp('UDP over IPv4', '127.0.0.1'),
  udp('UDP over IPv6', '::1'),
  memory,
];
