// The command `migratory`: what was asked for is done, and the exit status says how it went.
//
// 0: all is well; 1: something failed; 2: the command line is wrong; 128 and the signal's number after Ctrl-C and the like.
// Whatever goes wrong is said in one line on standard error. The parts of each command are loaded only when it is called.

import { CommanderError } from 'commander';
import { CompileFailed, formatDiagnostic } from '../diagnostics.js';
import { CommandFailed, describeSystemError, oneLineWithPlace, STATUS, UsageError } from './failure.js';
import { ownPackage } from './file-store.js';
import type { Invocation } from './invocation.js';
import { commandLine } from './program.js';
import { Screen } from './screen.js';

const screen = new Screen(process.stdout, process.env.NO_COLOR);

async function main(): Promise<number> {
  let invocation: Invocation | undefined;
  const program = commandLine(ownPackage().version, (asked) => (invocation = asked));
  program.parse();
  return invocation === undefined ? STATUS.ok : await perform(invocation);
}

async function perform(asked: Invocation): Promise<number> {
  switch (asked.kind) {
    case 'new':
      return (await import('./new-service.js')).newService(screen, asked.name, asked.options);
    case 'run':
      return (await import('./run-service.js')).runService(screen, asked.file, asked.options, () => new Date());
    case 'explain':
      return (await import('./explain-service.js')).explainService(screen, asked.file, asked.options);
    case 'keys-service':
    case 'keys-authority':
    case 'keys-member':
      return (await import('./make-keys.js')).makeKeys(screen, asked, new Date());
    case 'doctor':
      return (await import('./doctor.js')).doctor(screen, asked.options, new Date());
    case 'completions':
      return (await import('./completions.js')).printCompletions(screen, asked.shell);
  }
}

/** Says what went wrong, and answers the exit status. */
function explain(error: unknown): number {
  // Help is no error; where it stands for a missing command, it has been printed.
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return STATUS.ok;
    if (error.code !== 'commander.help') complain(error.message.replace(/^error: /, ''));
    return STATUS.usage;
  }
  if (error instanceof CompileFailed) {
    for (const diagnostic of error.diagnostics) complain(formatDiagnostic(diagnostic));
    return STATUS.failed;
  }
  if (error instanceof CommandFailed || error instanceof UsageError) complain(error.message);
  else complain(oneLineWithPlace(error));
  return error instanceof UsageError ? STATUS.usage : STATUS.failed;
}

function complain(line: string): void {
  process.stderr.write(`migratory: ${line.trim().replace(/\s*\n\s*/g, ' ')}\n`);
}

/** Once what was written before is out. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(STATUS.outputClosed);
  complain(`can't write to standard output: ${describeSystemError(error)}`);
  process.exit(STATUS.failed);
});
process.stderr.on('error', () => undefined);
// What the user's own module leaves running may throw at any time.
process.on('uncaughtException', (error) => process.exit(explain(error)));

const status = await main().catch(explain);
await written(process.stdout);
process.exit(status);
