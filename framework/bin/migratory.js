#!/usr/bin/env node
// The command `migratory`. A file of its own, so that an install in a checkout can link it before anything is built.

import { existsSync } from 'node:fs';
import process from 'node:process';

const program = new URL('../dist/command-line/main.js', import.meta.url);

if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('migratory: it is not built yet: run `npm run build` first\n');
  process.exitCode = 1;
}
