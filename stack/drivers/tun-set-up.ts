// Address, MTU and routes of a device, through the `ip` command.
//
// A device that we made ourselves goes with its descriptor, and its addresses and routes with it, however the process ends:
// there is nothing to undo. One that was there before is its administrator's: it is used as it is.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TunUnavailable } from './tun-errors.js';

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 10_000;

/** What a device that we make is given. */
export interface DeviceSetUp {
  /** This machine's own addresses on the device, with prefix: "10.77.0.1/24". */
  readonly addresses: readonly string[];
  readonly mtu: number;
  /** Further destinations that are reached through it, with prefix. */
  readonly routes: readonly string[];
}

/** Rejects with `TunUnavailable`. */
export async function setUpDevice(name: string, { addresses, mtu, routes }: DeviceSetUp): Promise<void> {
  await ip(name, ['link', 'set', 'dev', name, 'mtu', String(mtu), 'up']);
  for (const address of addresses) {
    // Nobody else is on this link: there is no address to find in use already.
    const options = address.includes(':') ? ['nodad'] : [];
    await ip(name, ['address', 'add', address, 'dev', name, ...options]);
  }
  for (const route of routes) await ip(name, ['route', 'add', route, 'dev', name]);
}

async function ip(name: string, args: readonly string[]): Promise<void> {
  try {
    await run('ip', args, { timeout: COMMAND_TIMEOUT_MS });
  } catch (error) {
    const { code, stderr = '' } = error as { readonly code?: string | number; readonly stderr?: string };
    const reason = code === 'ENOENT' ? 'the command is not there; install iproute2' : stderr.trim() || String(code);
    throw new TunUnavailable('ERR_TUN_SET_UP', `can't set up '${name}' with "ip ${args.join(' ')}": ${reason}`, error);
  }
}
