// What can't be understood is said in one line with exit status 2; what can't be done, in one line with status 1.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { COUNTER_MODULE, makeFolder, outcomeOf, PROGRAM, run } from './command.js';

const wrong: [what: string, args: readonly string[], status: number, line: RegExp][] = [
  ['an unknown command', ['nw'], 2, /unknown command 'nw'.*Did you mean new/],
  ['an unknown option', ['doctor', '--jsn'], 2, /unknown option '--jsn'.*Did you mean --json/],
  ['a missing argument', ['run'], 2, /missing required argument 'file'/],
  ['a surplus argument', ['doctor', 'x'], 2, /too many arguments/],
  ['a bad name', ['new', 'Greeter'], 2, /lower-case letters/],
  ['a port that is none', ['run', 'counter.mjs', '--port', '99999'], 2, /from 1 to 65535/],
  ['a port that is no number', ['run', 'counter.mjs', '--port', '0x50'], 2, /from 1 to 65535/],
  ['no members', ['run', 'counter.mjs', '--members', '0'], 2, /from 1 to 16/],
  ['a plain port for a real member', ['run', 'counter.mjs', '--config', 'x', '--port', '80'], 2, /exclude each other/],
  ['a drain without a member', ['run', 'counter.mjs', '--drain-ms', '5'], 2, /--config/],
  ['metrics on no port', ['run', 'counter.mjs', '--metrics', 'here'], 2, /--metrics.*like 9100/],
  ['TypeScript', ['run', 'service.ts'], 2, /build it/],
  ['no JavaScript', ['run', 'notes.txt'], 2, /no JavaScript/],
  ['several services', ['run', 'several.mjs'], 2, /say --export with one of one, two$/],
  ['an export that is missing', ['run', 'counter.mjs', '--export', 'x'], 2, /no 'x'; its services are counter$/],
  ['an export that is no service', ['run', 'several.mjs', '--export', 'number'], 2, /neither a class/],
  ['a member without an id', ['keys', 'member', '--authority', '.'], 2, /--id/],
  ['an unknown shell', ['completions', 'tcsh'], 2, /Allowed choices are bash, zsh, fish/],
  ['a missing file', ['run', 'nowhere.mjs'], 1, /nowhere\.mjs: can't be read: no such file/],
  ['a folder', ['run', '.'], 1, /\.: it is no file/],
  ['a module without a service', ['run', 'none.mjs'], 1, /exports no service/],
  ['classes with stages, none a service', ['run', 'undeclared.mjs'], 1, /none of Game, Login has @Service/],
  ['a module that throws', ['run', 'throws.mjs'], 1, /TypeError: boom twice \(.*throws\.mjs:2:7\)$/],
  ['a module that can not be parsed', ['run', 'broken.mjs'], 1, /broken\.mjs: it can't be loaded: SyntaxError/],
  ['a module that lacks another', ['run', 'lacking.mjs'], 1, /Cannot find package 'no-such-package'/],
  ['a container that throws', ['run', 'container.mjs'], 1, /container\(\) failed: no database \(.*:3:\d+\)$/],
  ['a description that is missing', ['run', 'counter.mjs', '--config', 'x.json'], 1, /x\.json: can't be read/],
  ['a description that is none', ['run', 'counter.mjs', '--config', 'none.mjs'], 1, /none\.mjs: it is no JSON/],
  [
    'a description with a slip',
    ['doctor', '--config', 'slip.json'],
    1,
    /slip\.json: ip: must be an IP address; port: /,
  ],
  [
    'an authority that is missing',
    ['keys', 'member', '--id', '1', '--authority', '.'],
    1,
    /authority\.pem: can't be read/,
  ],
];

const FILES = {
  'counter.mjs': COUNTER_MODULE,
  'service.ts': '',
  'notes.txt': '',
  'several.mjs': `
    import { defineService, done } from '@migratory/framework';
    const make = (name) =>
      defineService({ name, version: 1, entry: 'a', fields: () => ({}), stages: { a: async () => done() } });
    export const one = make('one');
    export const two = make('two');
    export const number = 5;
    export default two;`,
  'none.mjs': 'export const number = 5;',
  'undeclared.mjs': `
    import { Stage } from '@migratory/framework';
    export class Login { async ask() {} }
    export class Game { async play() {} }
    for (const [type, name] of [[Login, 'ask'], [Game, 'play']]) {
      Stage({ entry: true })(type.prototype, name, Object.getOwnPropertyDescriptor(type.prototype, name));
    }`,
  'throws.mjs': "\nthrow new TypeError('boom\\ntwice');",
  'broken.mjs': 'let = = 3',
  'lacking.mjs': "import 'no-such-package';",
  'container.mjs': `${COUNTER_MODULE.trim().split('\n')[0] ?? ''}
    export const one = defineService({ name: 'one', version: 1, entry: 'a', fields: () => ({}), stages: { a: async () => done() } });
    export function container() { throw new Error('no database'); }`,
  'slip.json': JSON.stringify({ id: 1, ip: 'here', port: 0, members: [], serviceKeyFile: 'x', tls: {} }),
};

for (const [what, args, expected, line] of wrong) {
  test(`${what}: one line, exit status ${expected}`, async (t) => {
    const { status, output, errors } = await run(t, await makeFolder(t, FILES), ...args);
    t.regex(errors, /^migratory: [^\n]+\n$/);
    t.regex(errors.trimEnd(), line);
    t.is(status, expected);
    t.is(output, '');
  });
}

test('without a command: the help on standard error, exit status 2', async (t) => {
  const { status, output, errors } = await run(t, await makeFolder(t));
  t.is(status, 2);
  t.is(output, '');
  t.regex(errors, /^Usage: migratory/);
});

test('help is no error, and says what the exit status means', async (t) => {
  const { status, output, errors } = await run(t, await makeFolder(t), '--help');
  t.is(status, 0);
  t.is(errors, '');
  for (const part of [/^Usage: migratory/, /Examples:/, /Exit status: 0/]) t.regex(output, part);
});

test('nobody reads the output: nothing is said', async (t) => {
  const child = spawn(process.execPath, [PROGRAM, 'completions', 'bash'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const { status, errors } = await outcomeOf(child);
  t.is(errors, '');
  t.is(status, 141);
});

(existsSync('/dev/full') ? test : test.skip)('the disk is full: one line, exit status 1', async (t) => {
  const folder = await makeFolder(t);
  const script = `"${process.execPath}" "${PROGRAM}" completions bash > /dev/full`;
  const child = spawn('sh', ['-c', script], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const { status, errors } = await outcomeOf(child);
  t.is(errors, "migratory: can't write to standard output: no space is left on the device\n");
  t.is(status, 1);
});

test('a checkout that is not built says so', async (t) => {
  const folder = await makeFolder(t);
  const { cp, mkdir } = await import('node:fs/promises');
  await mkdir(join(folder, 'bin'));
  await cp(PROGRAM, join(folder, 'bin/migratory.mjs'));
  const child = spawn(process.execPath, [join(folder, 'bin/migratory.mjs')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  t.deepEqual(await once(child, 'close'), [1, null]);
  t.is(errors, 'migratory: it is not built yet: run `npm run build` first\n');
});
