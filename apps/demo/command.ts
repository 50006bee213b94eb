// What surrounds the story of every demo: arguments, signals, and the exit status.
//
// 0: all is as it should be; 1: something differs or failed; 2: something that the caller can put right; 128 and the signal's
// number after Ctrl-C and the like. However it ends, nothing is left behind.

import { constants } from 'node:os';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { DemoFailed, UsageError } from './failure.js';
import { Programs } from './programs.js';
import { Screen } from './screen.js';

export type Arguments<Given> = { readonly kind: 'help' } | { readonly kind: 'run'; readonly given: Given };

export interface Demo<Given> {
  readonly usage: string;
  /** Throws `UsageError`. */
  readonly readArguments: () => Arguments<Given>;
  /** Resolves with whether all is as it should be. Rejects with `UsageError` or `DemoFailed`. */
  readonly tell: (programs: Programs, screen: Screen, given: Given) => Promise<boolean>;
}

/** Tells it and ends the process. What was under way when a signal came is not waited for. */
export async function runCommand<Given>(demo: Demo<Given>): Promise<never> {
  process.exit(await statusOf(demo).catch(explain));
}

/** node's `parseArgs`, whose complaint is one line of ours. Throws `UsageError`. */
export function parseCommandLine<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
}

async function statusOf<Given>(demo: Demo<Given>): Promise<number> {
  const given = demo.readArguments();
  if (given.kind === 'help') {
    process.stdout.write(demo.usage);
    return 0;
  }
  const interrupted = interruption();
  const programs = new Programs();
  const screen = new Screen(process.stdout, process.env.NO_COLOR);
  try {
    const told = demo.tell(programs, screen, given.given).then((isRight) => (isRight ? 0 : 1));
    return await Promise.race([told, interrupted]);
  } finally {
    screen.settle();
    await programs.close();
  }
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
