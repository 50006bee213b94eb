// A front-end that clients reach without a gateway: straight over IP, through a TUN device. Its sessions stay where they are,
// since no client offers to move; what is left is what a front-end by itself costs.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from '@migratory/demo/internal/programs.js';
import { filesOf, planLocalService } from '@migratory/framework/local-service';
import type { Place } from './pgbench.js';
import { FRONTEND_PROGRAM } from './world.js';

/** Of the networks for measurements (RFC 2544). */
const OURS = '198.18.77.2';
const KERNELS = '198.18.77.1/30';
const DEVICE = 'migratory-bench';
const PORT = 5432;

/** Undefined, with a line on standard error, where it takes a privilege that this process does not have. */
export async function startTunFrontend(programs: Programs, databaseUrl: string): Promise<Place | undefined> {
  if (process.getuid?.() !== 0) {
    process.stderr.write('A TUN device takes root: the front-end is measured behind the gateway only.\n');
    return undefined;
  }
  const folder = join(programs.folder, 'tun');
  mkdirSync(folder);
  const plan = await planLocalService(1);
  for (const [name, text] of Object.entries(filesOf(plan))) {
    writeFileSync(join(folder, name), name === 'member-1.json' ? onTun(text) : text, { mode: 0o600 });
  }
  const args = ['--config', join(folder, 'member-1.json'), '--database', databaseUrl];
  await programs.start('the front-end on TUN', FRONTEND_PROGRAM, args, () => undefined);
  return { host: OURS, port: PORT };
}

/** The description of a member, on a device of its own. */
function onTun(description: string): string {
  const { members, ...rest } = JSON.parse(description) as { readonly members: readonly object[] };
  const driver = { kind: 'tun', name: DEVICE, addresses: [KERNELS] };
  const [member] = members.map((each) => ({ ...each, address: { ip: OURS, port: PORT } }));
  return JSON.stringify({ ...rest, ip: OURS, port: PORT, driver, members: [member] });
}
