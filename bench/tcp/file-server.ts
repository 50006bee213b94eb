// A large file under curl: our file server through TUN, beside nginx with sendfile and node:http, both over veth.

import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { filesOf, planLocalService } from '@migratory/framework/local-service';
import { measurement, type Conduct, type Measurement } from '../measurement.js';
import { findProgram } from '../outside-programs.js';
import type { WebOrder } from '../processes/web-server.js';
import { alternate, ratios } from './alternate.js';
import { FILES_FOLDER, KERNEL_IP, TUN_DEVICE, TUN_IP, TUN_MACHINE_IP, World } from './world.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(import.meta.resolve('@migratory/http-file-server/internal/main.js'));
const FILE_NAME = 'large';
const FILE_LENGTH = 1024 * 1024 * 1024;
const WEB_FOLDER = join(FILES_FOLDER, 'www');
/** Between two looks whether a program listens. */
const RETRY_MS = 20;
const PORTS = { ours: 80, nginx: 8_080, node: 8_081 } as const;
const HOSTS: Readonly<Record<Server, string>> = { ours: TUN_IP, nginx: KERNEL_IP, node: KERNEL_IP };
const AIMED_RATIO = { nginx: 0.6, node: 1.5 } as const;

type Server = keyof typeof PORTS;

/** Without nginx the others are measured; without curl nothing is. */
export async function measureFileServer({ runCount }: Conduct): Promise<readonly Measurement[]> {
  const curl = findProgram('curl', 'No file server is measured.');
  if (curl === undefined) return [];
  const nginx = findProgram('nginx', 'The file server is measured beside node:http only.');
  return World.with(async (world) => {
    mkdirSync(WEB_FOLDER, { recursive: true });
    writeFileSync(join(WEB_FOLDER, FILE_NAME), Buffer.alloc(FILE_LENGTH / 256, 'a file '));
    truncateSync(join(WEB_FOLDER, FILE_NAME), FILE_LENGTH);
    await startOurs(world);
    await world.start('web-server', { ip: KERNEL_IP, port: PORTS.node, folder: WEB_FOLDER } satisfies WebOrder);
    if (nginx !== undefined) await startNginx(world, nginx);
    const servers: readonly Server[] = nginx === undefined ? ['ours', 'node'] : ['ours', 'nginx', 'node'];
    const rates = await alternate(runCount, servers, (server) => download(world, curl, server));
    return [
      measurement('file of 1 GiB under curl, our file server on TUN', 'Gbit/s', rates.ours),
      ...beside(rates.ours, rates.nginx, 'nginx over veth', AIMED_RATIO.nginx),
      ...beside(rates.ours, rates.node, 'node:http over veth', AIMED_RATIO.node),
    ];
  });
}

function beside(ours: number[], theirs: number[] | undefined, name: string, value: number): Measurement[] {
  if (theirs === undefined) return [];
  return [
    measurement(`file of 1 GiB under curl, ${name}`, 'Gbit/s', theirs),
    measurement(`file, ours to ${name}`, 'ratio', ratios(ours, theirs), { kind: 'at-least', value, of: 'median' }),
  ];
}

/** Gbit/s, as curl says. */
async function download(world: World, curl: string, server: Server): Promise<number> {
  const url = `http://${HOSTS[server]}:${PORTS[server]}/${FILE_NAME}`;
  const [command = '', ...prefix] = world.inClientSpace;
  const says = ['-sS', '--fail', '-o', '/dev/null', '-w', '%{size_download} %{speed_download}', '--max-time', '120'];
  const { stdout } = await run(command, [...prefix, curl, ...says, url]);
  const [length = 0, bytesPerSecond = 0] = stdout.split(' ').map(Number);
  if (length !== FILE_LENGTH) throw new Error(`${url}: ${length} bytes instead of ${FILE_LENGTH}`);
  return (bytesPerSecond * 8) / 1e9;
}

/** The program itself, as the only member of its service, on a TUN device. */
async function startOurs(world: World): Promise<void> {
  const folder = join(FILES_FOLDER, 'member');
  mkdirSync(folder, { recursive: true });
  const files = filesOf(await planLocalService(1));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const config = JSON.parse(files['member-1.json'] ?? '') as { readonly members: readonly object[] };
  const address = { ip: TUN_IP, port: PORTS.ours };
  const driver = { kind: 'tun', name: TUN_DEVICE, addresses: [`${TUN_MACHINE_IP}/24`] };
  const members = config.members.map((member) => ({ ...member, address }));
  writeFileSync(join(folder, 'tun.json'), JSON.stringify({ ...config, ...address, driver, members }));
  const options = ['--root', WEB_FOLDER, '--config', join(folder, 'tun.json')];
  const [command = '', ...prefix] = world.inClientSpace;
  const args = [...prefix, process.execPath, ...process.execArgv, PROGRAM, ...options];
  const program = startProgram(world, command, args);
  const [line] = (await once(createInterface({ input: program.stdout }), 'line')) as [string];
  if (!line.includes('"event":"ready"')) throw new Error(`the file server says: ${line}`);
  program.stdout.resume();
  world.tunIsUp();
}

async function startNginx(world: World, nginx: string): Promise<void> {
  const file = join(FILES_FOLDER, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; user root; worker_processes 1; pid ${FILES_FOLDER}/nginx.pid; error_log stderr error;
     events { worker_connections 64; }
     http { access_log off; sendfile on; tcp_nopush on;
            server { listen ${KERNEL_IP}:${PORTS.nginx}; root ${WEB_FOLDER}; } }`,
  );
  const program = startProgram(world, nginx, ['-e', 'stderr', '-p', FILES_FOLDER, '-c', file]);
  while (!(await accepts(KERNEL_IP, PORTS.nginx))) {
    if (program.exitCode !== null) throw new Error(`nginx ended with ${program.exitCode}`);
    await wait(RETRY_MS);
  }
}

/** It ends with the world. */
function startProgram(
  world: World,
  command: string,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, null> {
  const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  world.atEnd(async () => {
    if (program.exitCode !== null || program.signalCode !== null) return;
    const ended = once(program, 'exit');
    program.kill('SIGTERM');
    await ended;
  });
  return program;
}

function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}
