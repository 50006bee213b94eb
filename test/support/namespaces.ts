// Namespaces in which a command runs by itself: what it makes in them is gone with it, however it ends.

import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';

/** Options of `unshare` for network, mounts and processes of one's own. */
export const NAMESPACES: readonly string[] =
  '--net --mount --pid --fork --kill-child --mount-proc --propagation private'.split(' ');

/** The system's programs: npm puts those of packages before them, and one of them is called `nft` too. */
export const SYSTEM_ENVIRONMENT = {
  ...process.env,
  PATH: (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter),
};

/** Why no namespaces are to be had with these programs in them; undefined where they are. */
export function whyNoNamespaces(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'this needs root';
  const options = { env: SYSTEM_ENVIRONMENT };
  const absent = ['unshare', ...programs].filter((program) => spawnSync('which', [program], options).status !== 0);
  if (absent.length > 0) return `not found: ${absent.join(', ')}`;
  const { status } = spawnSync('unshare', [...NAMESPACES, 'true'], options);
  return status === 0 ? undefined : 'this system allows no namespaces, not even to root';
}
