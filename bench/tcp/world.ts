// Two machines for measurements: ours, with the kernel's own TCP, and a client's behind a veth pair. A TUN device of our stack
// stands on the client's machine, as one of a server would be one hop behind its own router.
//
// All namespaces are inside those that `bench:tcp` has made, so nothing is left of them, however it ends.

import { execFileSync } from 'node:child_process';
import { startChild, type Child } from '../children.js';
import type { ServerOrder } from '../processes/tcp-server.js';

/** A file system of its own in memory, gone with the namespaces. */
export const FILES_FOLDER = '/mnt';
export const KERNEL_IP = '10.90.0.1';
export const TUN_IP = '10.91.0.2';
export const TUN_DEVICE = 'bench2';
export const TUN_MACHINE_IP = '10.91.0.1';
const CLIENT_SPACE = 'bench-client';
const CLIENT_IP = '10.90.0.2';
const IN_CLIENT_SPACE = ['ip', 'netns', 'exec', CLIENT_SPACE] as const;
/** Clients that come and go by the ten thousand have ports left. */
const SETTINGS = ['net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1'];

/** Which of the two servers: through the TUN device, or on the kernel's TCP over veth. */
export type Side = 'tun' | 'kernel';

export const IP_OF: Readonly<Record<Side, string>> = { tun: TUN_IP, kernel: KERNEL_IP };

/** The client's own; on the TUN device as many as it takes processes to hold the largest crowd. */
export const CLIENT_IPS: Readonly<Record<Side, readonly string[]>> = {
  tun: [TUN_MACHINE_IP, '10.91.0.11', '10.91.0.12', '10.91.0.13'],
  kernel: [CLIENT_IP],
};

/** Runs `ip` and the like in this process's own namespaces. */
export function system(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The kernel's TCP over this route has Linux's own default, whatever this machine has chosen. */
export function useCubic(inSpace: readonly string[], device: string, network: string, source: string): void {
  const command = [...inSpace, 'ip', 'route', 'replace', network, 'dev', device, 'src', source, 'congctl', 'cubic'];
  system(...(command as [string, ...string[]]));
}

/** The machines, and the processes that were started on them. */
export class World {
  readonly clientSpace = CLIENT_SPACE;
  /** What runs a command there. */
  readonly inClientSpace: readonly string[] = IN_CLIENT_SPACE;
  readonly #endings: (() => Promise<void>)[] = [];

  private constructor() {
    system('ip', 'netns', 'add', CLIENT_SPACE);
    system('ip', 'link', 'add', 'bench0', 'type', 'veth', 'peer', 'name', 'bench1', 'netns', CLIENT_SPACE);
    system('ip', 'address', 'add', `${KERNEL_IP}/24`, 'dev', 'bench0');
    system('ip', 'link', 'set', 'bench0', 'up');
    system('ip', '-n', CLIENT_SPACE, 'link', 'set', 'lo', 'up');
    system('ip', '-n', CLIENT_SPACE, 'address', 'add', `${CLIENT_IP}/24`, 'dev', 'bench1');
    system('ip', '-n', CLIENT_SPACE, 'link', 'set', 'bench1', 'up');
    useCubic([], 'bench0', '10.90.0.0/24', KERNEL_IP);
    useCubic(IN_CLIENT_SPACE, 'bench1', '10.90.0.0/24', CLIENT_IP);
    system('sysctl', '-q', '-w', ...SETTINGS);
    system(...IN_CLIENT_SPACE, 'sysctl', '-q', '-w', ...SETTINGS);
  }

  /** Everything that was started has ended, and the machines are gone, once `measure` is done. */
  static async with<Result>(measure: (world: World) => Promise<Result>): Promise<Result> {
    const world = new World();
    try {
      return await measure(world);
    } finally {
      await world.#close();
    }
  }

  async server(side: Side): Promise<Child<unknown>> {
    if (side === 'kernel') {
      return this.start('tcp-server', { kind: 'kernel', ip: KERNEL_IP } satisfies ServerOrder);
    }
    const addresses = CLIENT_IPS.tun.map((ip) => `${ip}/24`);
    const ours = { kind: 'tun', ip: TUN_IP, device: TUN_DEVICE, addresses } satisfies ServerOrder;
    const server = await this.start('tcp-server', ours, IN_CLIENT_SPACE);
    this.tunIsUp();
    return server;
  }

  /** To be called where another program has made the TUN device. */
  tunIsUp(): void {
    useCubic(IN_CLIENT_SPACE, TUN_DEVICE, '10.91.0.0/24', TUN_MACHINE_IP);
  }

  /** A client that costs the machine as little as one can. */
  rawClient(): Promise<Child<unknown>> {
    return this.start('raw-client', {}, IN_CLIENT_SPACE);
  }

  async start<Ready>(name: string, instruction: object, prefix: readonly string[] = []): Promise<Child<Ready>> {
    const child = await startChild<Ready>(name, instruction, prefix);
    this.atEnd(() => child.stop());
    return child;
  }

  /** Something else that has to end before the machines go; ending twice must do no harm. */
  atEnd(end: () => Promise<void>): void {
    this.#endings.push(end);
  }

  async #close(): Promise<void> {
    await Promise.all(this.#endings.map((end) => end()));
    system('ip', 'link', 'delete', 'bench0');
    system('ip', 'netns', 'delete', CLIENT_SPACE);
  }
}
