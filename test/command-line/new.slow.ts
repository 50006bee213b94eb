// `migratory new`: what it makes builds and passes its test as it is, and its test fails once the service forgets to travel.

import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { packageOf, TOOL_VERSIONS } from '@migratory/framework/internal/command-line/templates.js';
import { makeFolder, outcomeOf, run, type Outcome } from './command.js';

function script(folder: string, name: string): Promise<Outcome> {
  return outcomeOf(spawn('npm', ['run', '--silent', name], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }));
}

test('a new service builds and passes its test; without @Snapshot its test fails', async (t) => {
  const folder = await makeFolder(t);
  const made = await run(t, folder, 'new', 'greeter');
  t.is(made.status, 0);
  t.is(made.errors, '');
  const place = join(folder, 'greeter');
  const service = join(place, 'src/service.ts');

  const built = await script(place, 'build');
  t.is(built.status, 0, built.output);
  const tested = await script(place, 'test');
  t.is(tested.status, 0, tested.output);

  const source = await readFile(service, 'utf8');
  await writeFile(service, source.replace('  @Snapshot() ', '  '));
  const rebuilt = await script(place, 'build');
  t.is(rebuilt.status, 0, rebuilt.output);
  const failed = await script(place, 'test');
  t.is(failed.status, 1);
  t.regex(failed.output, /lineCount/);

  const again = await run(t, folder, 'new', 'greeter');
  t.is(again.status, 1);
  t.is(again.errors, 'migratory: greeter: it is not empty: choose another --directory\n');
});

test('in a checkout a new package links to the framework; elsewhere it names a version', async (t) => {
  const folder = await makeFolder(t);
  t.is((await run(t, folder, 'new', 'a-b', '--directory', 'deep/place')).status, 0);
  const manifest = JSON.parse(await readFile(join(folder, 'deep/place/package.json'), 'utf8')) as {
    readonly name: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  t.is(manifest.name, 'a-b');
  const [kind, link = ''] = manifest.dependencies['@migratory/framework']?.split(':') ?? [];
  t.is(kind, 'file');
  t.true(join(folder, 'deep/place', link).endsWith('framework'), link);
  t.regex(packageOf('a-b', '1.2.3')['package.json'] ?? '', /"@migratory\/framework": "1\.2\.3"/);
  t.regex(packageOf('a-b', '1.2.3')['src/service.ts'] ?? '', /class ABSession /);
});

test('a new package builds with the tools that this one builds with', async (t) => {
  const root = fileURLToPath(new URL('../../../package.json', import.meta.url));
  const { devDependencies } = JSON.parse(await readFile(root, 'utf8')) as { devDependencies: object };
  t.like(devDependencies, TOOL_VERSIONS);
});
