// Tries out on this machine what a member needs of it. Everything that is opened is closed again.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Attempt, MachineFacts } from './machine-findings.js';

const LOOPBACK = '127.0.0.1';
const TUN_DEVICE = '/dev/net/tun';
const CAP_NET_ADMIN = 12n;
const WANTED_BUFFER_LENGTH = 4 * 1024 * 1024;
const ROUND_TRIP_TIMEOUT_MS = 1000;
const CLOCK_COMPARISON_MS = 50;
const CLOCK_SAMPLE_COUNT = 1000;

/** `ip` and `port`: where a member would receive; undefined: anywhere. Never rejects. */
export async function lookAtMachine(ip: string | undefined, port: number | undefined): Promise<MachineFacts> {
  return {
    nodeVersion: process.versions.node,
    networkAdministrator: isNetworkAdministrator(),
    tunDevice: tryTunDevice(),
    udpBind: { port, attempt: await tryUdpPort(ip, port ?? 0) },
    ...(await trySockets()),
    clocks: await compareClocks(),
    openFileLimit: openFileLimit(),
  };
}

export async function tryUdpPort(ip: string | undefined, port: number): Promise<Attempt> {
  const socket = createSocket(ip?.includes(':') === true ? 'udp6' : 'udp4');
  try {
    await bind(socket, ip, port);
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) };
  } finally {
    socket.close();
  }
}

export async function tryTcpPort(host: string, port: number): Promise<Attempt> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) };
  } finally {
    server.close();
  }
}

async function trySockets(): Promise<Pick<MachineFacts, 'roundTripMs' | 'receiveBuffer'>> {
  const socket = createSocket('udp4');
  const maximumLength = kernelNumber('/proc/sys/net/core/rmem_max');
  try {
    await bind(socket, LOOPBACK, 0);
    const roundTripMs = await roundTrip(socket);
    return { roundTripMs, receiveBuffer: { length: enlargedBuffer(socket), maximumLength } };
  } catch {
    return { roundTripMs: undefined, receiveBuffer: { length: 0, maximumLength } };
  } finally {
    socket.close();
  }
}

async function roundTrip(socket: Socket): Promise<number | undefined> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), ROUND_TRIP_TIMEOUT_MS);
  const start = performance.now();
  try {
    const answered = once(socket, 'message', { signal: patience.signal });
    socket.send('migratory', socket.address().port, LOOPBACK);
    await answered;
    return performance.now() - start;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function enlargedBuffer(socket: Socket): number {
  try {
    socket.setRecvBufferSize(WANTED_BUFFER_LENGTH);
  } catch {
    // The system refuses instead of giving less: what there is counts.
  }
  return socket.getRecvBufferSize();
}

async function bind(socket: Socket, ip: string | undefined, port: number): Promise<void> {
  socket.bind({ port, exclusive: true, ...(ip === undefined ? {} : { address: ip }) });
  await once(socket, 'listening');
}

async function compareClocks(): Promise<MachineFacts['clocks']> {
  const [monotonicStart, wallStart] = [performance.now(), Date.now()];
  await delay(CLOCK_COMPARISON_MS);
  const [monotonicMs, wallMs] = [performance.now() - monotonicStart, Date.now() - wallStart];
  let resolutionMs = Infinity;
  for (let sample = 0, last = performance.now(); sample < CLOCK_SAMPLE_COUNT; sample++) {
    const now = performance.now();
    if (now > last) resolutionMs = Math.min(resolutionMs, now - last);
    last = now;
  }
  return { resolutionMs, monotonicMs, wallMs, year: new Date().getFullYear() };
}

function isNetworkAdministrator(): boolean | undefined {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return effective === undefined ? undefined : ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
  } catch {
    // No Linux: root can.
    return process.getuid?.() === 0 ? true : undefined;
  }
}

function tryTunDevice(): Attempt {
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'));
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) };
  }
}

function openFileLimit(): number | undefined {
  const report = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
  };
  const soft = report.userLimits?.open_files?.soft;
  return soft === 'unlimited' ? Infinity : typeof soft === 'number' ? soft : undefined;
}

function kernelNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
