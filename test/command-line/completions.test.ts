// Completions: generated from the command tree, so that what the shells offer is what there is.

import { spawn, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeFolder, outcomeOf, run } from './command.js';

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

async function folderWithScript(t: ExecutionContext, shell: string): Promise<string> {
  const folder = await makeFolder(t, { 'service.js': '', 'with space.js': '' });
  await mkdir(join(folder, 'services'));
  const { status, output } = await run(t, folder, 'completions', shell);
  t.is(status, 0);
  await writeFile(join(folder, 'script'), output);
  return folder;
}

/** Calls the function that the script gave to bash, as bash would on Tab behind these words. */
async function offeredByBash(folder: string, words: readonly string[]): Promise<string[]> {
  const script = `source ./script
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    $(complete -p migratory | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const child = spawn('bash', ['-c', script, 'bash', ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const { output } = await outcomeOf(child);
  return output.split('\n').filter((line) => line !== '');
}

const offers: [typed: readonly string[], offered: readonly string[]][] = [
  [
    ['migratory', ''],
    ['new', 'run', 'explain', 'keys', 'doctor', 'completions'],
  ],
  [['migratory', 'ke'], ['keys']],
  [['migratory', '--v'], ['--version']],
  [
    ['migratory', 'keys', ''],
    ['service', 'authority', 'member'],
  ],
  [
    ['migratory', 'keys', 'member', '--'],
    ['--output', '--force', '--id', '--authority', '--days', '--help'],
  ],
  [['migratory', 'run', '--mo'], ['--move-every']],
  [
    ['migratory', 'run', 's'],
    ['service.js', 'services', 'script'],
  ],
  [['migratory', 'run', 'with'], ['with space.js']],
  [
    ['migratory', 'run', 'service.js', '--config', 'ser'],
    ['service.js', 'services'],
  ],
  [['migratory', 'run', '--port', ''], []],
  [
    ['migratory', 'explain', '--format', ''],
    ['text', 'mermaid', 'dot', 'svg'],
  ],
  [['migratory', 'explain', '--format', '=', 's'], ['svg']],
  [['migratory', 'new', '--directory', 'ser'], ['services']],
  [['migratory', 'completions', 'z'], ['zsh']],
];

(has('bash') ? test : test.skip)('bash completes commands, options, values and files', async (t) => {
  const folder = await folderWithScript(t, 'bash');
  for (const [typed, offered] of offers) {
    t.deepEqual((await offeredByBash(folder, typed)).sort(), [...offered].sort(), typed.join(' '));
  }
});

for (const shell of ['zsh', 'fish']) {
  test(`the script for ${shell} names every command and option`, async (t) => {
    const folder = await folderWithScript(t, shell);
    const { output } = await run(t, folder, 'completions', shell);
    for (const word of ['new', 'member', 'move-every', 'authority', 'mermaid']) t.true(output.includes(word), word);
    if (has(shell)) t.is(spawnSync(shell, ['-n', 'script'], { cwd: folder }).status, 0);
  });
}
