// `npm run packetdrill -- FILE...`: runs scripts in the language of packetdrill against our TCP, in simulated time.
//
// One line a file: `pass`, `fail` with what was expected and what came, or `not expressible` with the reason. The exit status is
// 1 if one failed, 2 if the command was misused. What a script of Linux's may ask for and what not: docs/conformance.md.

import { readFileSync } from 'node:fs';
import { runScript, type Verdict } from './run.js';

const USAGE = 'Usage: npm run packetdrill -- FILE...';

class UsageError extends Error {
  override readonly name = 'UsageError';
}

function main(files: readonly string[]): number {
  if (files.length === 0 || files.some((file) => file.startsWith('-'))) {
    throw new UsageError('name the scripts that are to be run');
  }
  const counts = { pass: 0, fail: 0, 'not-expressible': 0 };
  for (const file of files) {
    const verdict = runScript(contentOf(file));
    counts[verdict.kind]++;
    console.log(`${file}: ${sentence(verdict)}`);
  }
  console.log(`\n${counts.pass} passed, ${counts.fail} failed, ${counts['not-expressible']} not expressible`);
  return counts.fail > 0 ? 1 : 0;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function sentence(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'pass':
      return 'pass';
    case 'fail':
      return `fail: line ${verdict.line}: ${verdict.reason}`;
    case 'not-expressible':
      return `not expressible: ${verdict.reason}`;
  }
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
