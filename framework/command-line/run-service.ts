// `migratory run`: loads the service, and runs it for development or as one real member.

import { UsageError } from './failure.js';
import { Interruption } from './interruption.js';
import type { RunOptions } from './invocation.js';
import { loadService } from './module-adapter.js';
import type { Screen } from './screen.js';

const DEVELOPMENT_ONLY = { port: '--port', members: '--members', moveEvery: '--move-every' } as const;

/** Resolves with the exit status. Rejects with `UsageError`, `CommandFailed`, `CompileFailed` or the stack's errors. */
export async function runService(screen: Screen, file: string, options: RunOptions, now: () => Date): Promise<number> {
  if (options.config === undefined && options.drainMs !== undefined) {
    throw new UsageError('--drain-ms is for a member with --config: without it the run just ends');
  }
  if (options.config !== undefined) {
    const surplus = (['port', 'members', 'moveEvery'] as const).find((name) => options[name] !== undefined);
    if (surplus !== undefined) {
      throw new UsageError(
        `${DEVELOPMENT_ONLY[surplus]} and --config exclude each other: the description has the addresses`,
      );
    }
  }
  const service = await loadService(file, options.export);
  const interruption = new Interruption();
  // Loaded only now: what is wrong so far is said at once.
  if (options.config === undefined) {
    const { runDevelopment } = await import('./run-development.js');
    return runDevelopment(screen, service, options, interruption, now());
  }
  const { runMember } = await import('./run-member.js');
  return runMember(screen, service, options.config, options, interruption, now);
}
