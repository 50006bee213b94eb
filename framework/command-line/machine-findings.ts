// The machine: what its facts mean for a member. Pure; the facts come from `machine-adapter.ts`.

import { describeCode } from './failure.js';
import type { Finding } from './finding.js';

/** What could be done, or the operating system's code for why not. */
export type Attempt = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly code: string };

export interface MachineFacts {
  readonly nodeVersion: string;
  /** Whether this process may set up network devices; undefined where the system doesn't say. */
  readonly networkAdministrator: boolean | undefined;
  readonly tunDevice: Attempt;
  /** Binding the UDP port that a member needs; `port` undefined: any. */
  readonly udpBind: { readonly port: number | undefined; readonly attempt: Attempt };
  /** Of one datagram to ourselves and back; undefined where none came. */
  readonly roundTripMs: number | undefined;
  /** Bytes that a socket got when the stack's 4 MiB were asked for, and the kernel's limit where it says. */
  readonly receiveBuffer: { readonly length: number; readonly maximumLength: number | undefined };
  readonly clocks: {
    /** The smallest step of the monotonic clock that was seen. */
    readonly resolutionMs: number;
    /** How far both clocks went in the same time. */
    readonly monotonicMs: number;
    readonly wallMs: number;
    readonly year: number;
  };
  /** Undefined where the system doesn't say; `Infinity` where there is none. */
  readonly openFileLimit: number | undefined;
}

const LEAST_NODE = [20, 19] as const;
const GOOD_RECEIVE_BUFFER_LENGTH = 1024 * 1024;
const GOOD_OPEN_FILE_LIMIT = 4096;
const LEAST_OPEN_FILE_LIMIT = 256;
const COARSEST_CLOCK_MS = 1;
const MAX_CLOCK_DIFFERENCE_MS = 20;
const SLOW_ROUND_TRIP_MS = 50;
/** Older than this program: the clock was never set. */
const LEAST_YEAR = 2026;
const MOST_YEAR = 2100;

export function machineFindings(facts: MachineFacts): Finding[] {
  return [
    nodeFinding(facts.nodeVersion),
    udpFinding(facts.udpBind),
    roundTripFinding(facts.roundTripMs),
    bufferFinding(facts.receiveBuffer),
    monotonicFinding(facts.clocks),
    wallFinding(facts.clocks),
    fileLimitFinding(facts.openFileLimit),
    tunFinding(facts.tunDevice),
    administratorFinding(facts.networkAdministrator),
  ];
}

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isEnough) return { kind: 'ok', check: 'node', detail: version };
  return { kind: 'problem', check: 'node', detail: version, remedy: `install ${LEAST_NODE.join('.')} or newer` };
}

function udpFinding({ port, attempt }: MachineFacts['udpBind']): Finding {
  const check = 'udp port';
  const what = port === undefined ? 'any' : String(port);
  if (attempt.kind === 'done') return { kind: 'ok', check, detail: `${what} can be received on` };
  const remedy =
    attempt.code === 'EADDRINUSE'
      ? 'stop the other program or choose another port'
      : attempt.code === 'EACCES'
        ? 'choose a port from 1024 on'
        : 'look at the firewall or the sandbox of this process';
  return { kind: 'problem', check, detail: `${what} can't be received on (${describeCode(attempt.code)})`, remedy };
}

function roundTripFinding(roundTripMs: number | undefined): Finding {
  const check = 'udp loopback';
  if (roundTripMs === undefined) {
    const remedy = 'let datagrams through on the loopback interface';
    return { kind: 'problem', check, detail: 'no datagram came back', remedy };
  }
  const detail = `round trip ${roundTripMs.toFixed(1)} ms`;
  if (roundTripMs <= SLOW_ROUND_TRIP_MS) return { kind: 'ok', check, detail };
  return { kind: 'note', check, detail, remedy: 'the machine is busy: stalls of moves will be longer' };
}

function bufferFinding({ length, maximumLength }: MachineFacts['receiveBuffer']): Finding {
  const check = 'receive buffer';
  const limit = maximumLength === undefined ? '' : ` (net.core.rmem_max ${maximumLength})`;
  const detail = `${Math.round(length / 1024)} KiB, 4096 wanted${limit}`;
  if (length >= GOOD_RECEIVE_BUFFER_LENGTH) return { kind: 'ok', check, detail };
  return { kind: 'note', check, detail, remedy: 'for high rates: sysctl -w net.core.rmem_max=4194304' };
}

function monotonicFinding({ resolutionMs }: MachineFacts['clocks']): Finding {
  const check = 'monotonic clock';
  const detail = `steps of ${resolutionMs < 0.001 ? 'under 0.001' : resolutionMs.toFixed(3)} ms`;
  if (resolutionMs <= COARSEST_CLOCK_MS) return { kind: 'ok', check, detail };
  return { kind: 'note', check, detail, remedy: 'too coarse to measure round trips: choose another clock source' };
}

function wallFinding({ monotonicMs, wallMs, year }: MachineFacts['clocks']): Finding {
  const check = 'wall clock';
  if (year < LEAST_YEAR || year > MOST_YEAR) {
    return { kind: 'problem', check, detail: `it says ${year}`, remedy: 'set it: certificates are valid by its time' };
  }
  const difference = wallMs - monotonicMs;
  if (wallMs < 0) {
    return { kind: 'problem', check, detail: 'it ran backwards', remedy: 'look at what sets it' };
  }
  if (Math.abs(difference) > MAX_CLOCK_DIFFERENCE_MS) {
    const detail = `it went ${difference.toFixed(0)} ms astray in ${monotonicMs.toFixed(0)} ms`;
    return { kind: 'note', check, detail, remedy: 'it is being set: look again later' };
  }
  return { kind: 'ok', check, detail: `it says ${year}, and runs as the monotonic one` };
}

function fileLimitFinding(limit: number | undefined): Finding {
  const check = 'open files';
  if (limit === undefined) return { kind: 'ok', check, detail: 'the system names no limit' };
  const detail = limit === Infinity ? 'unlimited' : `at most ${limit}`;
  if (limit < LEAST_OPEN_FILE_LIMIT) return { kind: 'problem', check, detail, remedy: 'raise it: ulimit -n 65536' };
  if (limit >= GOOD_OPEN_FILE_LIMIT) return { kind: 'ok', check, detail };
  return { kind: 'note', check, detail, remedy: 'for a service that opens many: ulimit -n 65536' };
}

const TUN_ONLY = 'only a TUN driver needs it, UDP does not';

function tunFinding(attempt: Attempt): Finding {
  const check = 'tun device';
  if (attempt.kind === 'done') return { kind: 'ok', check, detail: '/dev/net/tun can be opened' };
  const detail = `/dev/net/tun can't be opened (${describeCode(attempt.code)})`;
  return { kind: 'note', check, detail, remedy: TUN_ONLY };
}

function administratorFinding(isAdministrator: boolean | undefined): Finding {
  const check = 'CAP_NET_ADMIN';
  if (isAdministrator === true) return { kind: 'ok', check, detail: 'this process has it' };
  const detail = isAdministrator === undefined ? 'the system does not say' : 'this process does not have it';
  return { kind: 'note', check, detail, remedy: TUN_ONLY };
}
