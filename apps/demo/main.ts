// `npm run demo [-- path]`: its arguments.

import { parseCommandLine, runCommand, type Arguments } from './command.js';
import { runDemo } from './demo.js';
import { UsageError } from './failure.js';
import { checkGivenFile } from './offered-file.js';

const USAGE = `npm run demo [-- path]

Downloads a file with curl over a connection that moves between two servers on the way.
Without a path, the file is 256 MiB of random bytes.
`;

function readArguments(): Arguments<string | undefined> {
  const { values, positionals } = parseCommandLine({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return { kind: 'help' };
  const [path, ...others] = positionals;
  if (others.length > 0) throw new UsageError('one path at most: npm run demo -- path');
  if (path !== undefined) checkGivenFile(path);
  return { kind: 'run', given: path };
}

await runCommand({ usage: USAGE, readArguments, tell: runDemo });
