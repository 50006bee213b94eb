// `npm run demo [-- path]`: arguments, signals, and the exit status.
//
// 0: every byte arrived, and the connection moved; 1: something differs or failed; 2: something that the caller can put
// right; 128 and the signal's number after Ctrl-C and the like. However it ends, nothing is left behind.

import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { runDemo } from './demo.js';
import { DemoFailed, UsageError } from './failure.js';
import { checkGivenFile } from './offered-file.js';
import { Programs } from './programs.js';
import { Screen } from './screen.js';

const USAGE = `npm run demo [-- path]

Downloads a file with curl over a connection that moves between two servers on the way.
Without a path, the file is 256 MiB of random bytes.
`;

type Arguments = { readonly kind: 'help' } | { readonly kind: 'run'; readonly path: string | undefined };

/** Throws `UsageError`. */
function readArguments(): Arguments {
  let parsed;
  try {
    parsed = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help === true) return { kind: 'help' };
  const [path, ...others] = positionals;
  if (others.length > 0) throw new UsageError('one path at most: npm run demo -- path');
  if (path !== undefined) checkGivenFile(path);
  return { kind: 'run', path };
}

/** Resolves with the exit status when a signal asks for the end, or nobody reads the output any more. */
function interruption(): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve(128 + constants.signals[signal]));
    }
    process.stdout.on('error', () => resolve(1));
  });
}

function explain(error: unknown): number {
  if (!(error instanceof UsageError) && !(error instanceof DemoFailed)) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  return error instanceof UsageError ? 2 : 1;
}

async function main(): Promise<number> {
  const given = readArguments();
  if (given.kind === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const interrupted = interruption();
  const programs = new Programs();
  const screen = new Screen(process.stdout, process.env.NO_COLOR);
  try {
    const told = runDemo(programs, screen, given.path).then((isRight) => (isRight ? 0 : 1));
    return await Promise.race([told, interrupted]);
  } finally {
    screen.settle();
    await programs.close();
  }
}

// What was under way when a signal came is not waited for.
process.exit(await main().catch(explain));
