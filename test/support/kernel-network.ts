// Networks for tests with the kernel as partner: a router, which is the namespace that the tests run in, and clients behind it.
//
// `npm run test:kernel` starts the tests in namespaces of network, mounts and processes of their own, so whatever is made in
// them is gone with them, however they end. Outside of those nothing is made, and the tests say that they are skipped.

import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { promisify } from 'node:util';

/** Set by `npm run test:kernel` in the namespaces that it has made. */
export const KERNEL_TESTS_VARIABLE = 'MIGRATORY_KERNEL_TESTS';

/** Undefined where tests may make devices; else why not. */
export const KERNEL_TESTS_MISSING =
  process.env[KERNEL_TESTS_VARIABLE] === 'prepared' ? undefined : 'as root: npm run test:kernel';

const run = promisify(execFile);

/** A command in the tests' own namespace, the router. */
export function router(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' });
}

/** A machine with a kernel of its own, one hop behind the router. */
export class ClientMachine {
  readonly #name: string;
  readonly ip: string;
  readonly ip6: string;
  readonly #number: number;

  /** The MTUs of the link between it and the router, as either side has it. */
  constructor(number: number, mtu = 1_500, routerMtu = mtu) {
    this.#name = `client${number}`;
    this.#number = number;
    this.ip = `10.99.${number}.2`;
    this.ip6 = `fd99:${number}::2`;
    const [here, there] = [`to-client${number}`, `to-router${number}`];
    router('ip', 'netns', 'add', this.#name);
    router('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', this.#name);
    const both = [
      { at: (...args: string[]) => router('ip', ...args), device: here, last: 1, limit: routerMtu },
      { at: (...args: string[]) => router('ip', '-n', this.#name, ...args), device: there, last: 2, limit: mtu },
    ];
    for (const { at, device, last, limit } of both) {
      at('link', 'set', 'dev', device, 'mtu', String(limit), 'up');
      at('address', 'add', `10.99.${number}.${last}/24`, 'dev', device);
      at('address', 'add', `fd99:${number}::${last}/64`, 'dev', device, 'nodad');
    }
    router('ip', '-n', this.#name, 'link', 'set', 'lo', 'up');
    router('ip', '-n', this.#name, 'route', 'add', 'default', 'via', this.routerIp(4));
    router('ip', '-n', this.#name, '-6', 'route', 'add', 'default', 'via', this.routerIp(6));
  }

  /** The router's address on the link to it. */
  routerIp(family: 4 | 6): string {
    return family === 4 ? `10.99.${this.#number}.1` : `fd99:${this.#number}::1`;
  }

  /** What a command there prints. Rejects where it fails, with what it said. */
  async run(command: string, ...args: string[]): Promise<Buffer> {
    const { stdout } = await run('ip', ['netns', 'exec', this.#name, command, ...args], {
      encoding: 'buffer',
      maxBuffer: 2 ** 30,
      timeout: 120_000,
    });
    return stdout;
  }

  /** As `run`, with these bytes as its input; answers its exit status too. */
  async feed(input: Uint8Array, command: string, ...args: string[]): Promise<{ status: number; output: Buffer }> {
    const child = spawn('ip', ['netns', 'exec', this.#name, command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [status] = (await once(child, 'close')) as [number];
    return { status, output: Buffer.concat(chunks) };
  }

  remove(): void {
    router('ip', 'netns', 'delete', this.#name);
  }
}

/** Of everything that the router forwards, this share of packets is lost, until the function that comes back is called. */
export function loseForwarded(percent: number): () => void {
  router('nft', 'add', 'table', 'inet', 'loss');
  router('nft', 'add', 'chain', 'inet', 'loss', 'forward', '{ type filter hook forward priority 0 ; }');
  // Counted, not drawn: so that even a few packets, each as long as many segments, lose their share.
  const chance = ['numgen', 'inc', 'mod', String(Math.round(100 / percent)), '==', '10'];
  router('nft', 'add', 'rule', 'inet', 'loss', 'forward', ...chance, 'counter', 'drop');
  return () => router('nft', 'delete', 'table', 'inet', 'loss');
}

/** How many packets `loseForwarded` has taken away. */
export function lostCount(): number {
  const listed = router('nft', 'list', 'chain', 'inet', 'loss', 'forward');
  return Number(/counter packets (\d+)/.exec(listed)?.[1] ?? 0);
}

const RAW_TCP = `
import socket, sys
address = sys.argv[1]
family = socket.AF_INET6 if ':' in address else socket.AF_INET
raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
raw.sendto(bytes.fromhex(sys.argv[2]), (address, 0))
`;

/** These bytes as the payload of an IP packet of TCP, from the router. */
export async function sendRawTcp(ip: string, bytes: Uint8Array): Promise<void> {
  await run('python3', ['-c', RAW_TCP, ip, Buffer.from(bytes).toString('hex')]);
}

/** Of all that the router forwards and may mark (RFC 3168), every so-manieth packet is marked, until what comes back is called. */
export function markForwarded(every: number): () => void {
  router('nft', 'add', 'table', 'inet', 'marks');
  router('nft', 'add', 'chain', 'inet', 'marks', 'forward', '{ type filter hook forward priority 0 ; }');
  for (const version of ['ip', 'ip6']) {
    const chosen = [version, 'ecn', 'ect0', 'numgen', 'inc', 'mod', String(every), '==', '0'];
    router('nft', 'add', 'rule', 'inet', 'marks', 'forward', ...chosen, 'counter', version, 'ecn', 'set', 'ce');
  }
  return () => router('nft', 'delete', 'table', 'inet', 'marks');
}
