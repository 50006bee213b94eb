// The style of the project, as tests: what a reader should be able to rely on in every file.
//
// Formatting, types, lint and the import law have tools of their own (`npm run check`); here stands what those tools do not
// say. Each rule lists its findings as `file: what`, and a rule without findings passes.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../', import.meta.url));
const MAX_LINES = 500;

/** Tests of drivers, of commands, of the kernel and of a real database wait for a real clock; nothing else may. */
const WAITS_FOR_A_CLOCK =
  /^(?:test\/(?:kernel|drivers|apps|command-line|bank|postgres-clients|support\/postgres)\/|test\/stack\/drivers\/|bench\/)/;
/**
 * The core: time and randomness come in as arguments, bytes go out as outputs. The command line and the metrics keep their
 * adapters apart, the testing kit its turns of the event loop.
 */
const CORE =
  /^(?:stack\/(?!drivers\/)|framework\/(?!testing\/turns\.ts$|(?:command-line|metrics)\/(?:main|[^/]+-store|[^/]+-adapter)\.ts$))/;
const ADAPTER = /^apps\/(?:demo\/|(?:[^/]+\/)+(?:main|[^/]+-store|[^/]+-adapter)\.ts$)/;

const impureCall = new RegExp(
  [
    String.raw`\bDate\.now\b`,
    String.raw`\bnew Date\(\)`,
    String.raw`\bperformance\b`,
    String.raw`\bprocess\.hrtime\b`,
    String.raw`\bset(?:Timeout|Interval|Immediate)\b`,
    String.raw`\bMath\.random\b`,
    String.raw`\b(?:randomBytes|randomFill|randomFillSync|randomInt|randomUUID|getRandomValues)\b`,
  ].join('|'),
);
const impureModule = /(?:'node:|from ')(?:net|dgram|fs|fs\/promises|tls|http|https|timers|timers\/promises)'/;
const unfinished = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].map((word) => `\\b${word}\\b`).join('|'));
const machinePath = new RegExp(['work', 'root', 'home', 'Users'].map((top) => `(?<![\\w.])/${top}/`).join('|'));

const files = listFiles('').sort();
const sources = files.filter((path) => path.endsWith('.ts'));
const written = files.filter((path) => /\.(?:ts|js|md|json|sh)$|^\.ci\//.test(path) && path !== 'package-lock.json');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Every file of the project that is not generated or installed, relative to its root, with `/` between folders. */
function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return isGenerated(path) ? [] : listFiles(path);
    return entry.isFile() ? [path] : [];
  });
}

function isGenerated(folder: string): boolean {
  return folder === 'docs/api' || /(?:^|\/)(?:node_modules|dist|coverage|\.git)$/.test(folder);
}

/** `file:line: text` for each line of the files that matches. */
function matches(
  paths: readonly string[],
  pattern: RegExp,
  strip: (text: string) => string = (text) => text,
): string[] {
  return paths.flatMap((path) =>
    strip(read(path))
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** Comments blanked out, lines kept, so that a comment may name what the code may not call. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ''));
}

test('a file has one room: at most 500 lines', (t) => {
  const long = sources.filter((path) => read(path).split('\n').length > MAX_LINES + 1);
  t.deepEqual(long, []);
});

test('a source file begins with what it is for', (t) => {
  const bare = sources.filter((path) => !/^(?:#!.*\n)?(?:\/\/ [^\n]{20}|\/\*\*)/.test(read(path)));
  t.deepEqual(bare, []);
});

test('nothing is marked as unfinished', (t) => {
  t.deepEqual(matches(written, unfinished), []);
});

test('the core calls no clock, timer or random source', (t) => {
  const core = sources.filter((path) => CORE.test(path) || (path.startsWith('apps/') && !ADAPTER.test(path)));
  t.deepEqual(matches(core, impureCall, withoutComments), []);
});

test('the core opens no socket and no file; an app does it in one adapter', (t) => {
  const core = sources.filter((path) => CORE.test(path) || (path.startsWith('apps/') && !ADAPTER.test(path)));
  t.deepEqual(matches(core, impureModule, withoutComments), []);
});

test('no test sleeps', (t) => {
  const quiet = sources.filter((path) => path.startsWith('test/') && !WAITS_FOR_A_CLOCK.test(path));
  const sleep = new RegExp('\\bset' + '(?:Timeout|Interval)\\(|from .(?:node:)?timers');
  t.deepEqual(matches(quiet, sleep, withoutComments), []);
});

test('no rule is switched off in place; a test of types may expect an error', (t) => {
  const silenced = new RegExp('eslint-' + 'disable|@ts-' + '(?:ignore|nocheck)');
  const expected = new RegExp('@ts-' + 'expect-error');
  const shipped = sources.filter((path) => !path.startsWith('test/'));
  t.deepEqual([...matches(sources, silenced), ...matches(shipped, expected)], []);
});

test('links between documents lead somewhere', (t) => {
  const dead = files
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
  t.deepEqual(dead, []);
});

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function dependenciesOf(path: string): [name: string, version: string][] {
  const manifest = JSON.parse(read(path)) as Manifest;
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies });
}

/** The packages that `docs/dependencies.md` explains: the first column of its tables. */
function listedReasons(): string[] {
  return [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1] ?? '');
}

test('each dependency is pinned and has a reason', (t) => {
  const reasons = new Set(listedReasons());
  const findings = files
    .filter((path) => path.endsWith('package.json'))
    .flatMap((path) =>
      dependenciesOf(path).flatMap(([name, version]) => [
        ...(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version) ? [] : [`${path}: ${name} is not pinned: ${version}`]),
        ...(name.startsWith('@migratory/') || reasons.has(name) ? [] : [`${path}: ${name} has no reason`]),
      ]),
    );
  t.deepEqual(findings, []);
});

test('each reason belongs to a dependency', (t) => {
  const used = new Set(
    files.filter((path) => path.endsWith('package.json')).flatMap((path) => dependenciesOf(path).map(([name]) => name)),
  );
  t.deepEqual(
    listedReasons().filter((name) => !used.has(name)),
    [],
  );
});

test('the lock file names no registry', (t) => {
  t.deepEqual(matches(['package-lock.json'], /"resolved": "[a-z+]+:/), []);
});

test('the lock file is whole: an install on another system finds its variant too', (t) => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Manifest>> };
  const locked = new Set(Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1)));
  const missing = Object.entries(lock.packages).flatMap(([path, manifest]) =>
    Object.keys(manifest.optionalDependencies ?? {})
      .filter((name) => !locked.has(name))
      .map((name) => `${path}: ${name}`),
  );
  t.deepEqual(missing, []);
});

test('nothing depends on the machine that it was written on', (t) => {
  t.deepEqual(matches(files, machinePath), []);
});

test('every compiled file has its source', (t) => {
  const stale = files
    .filter((path) => path.endsWith('tsconfig.json') && path.includes('/'))
    .flatMap((path) => compiledFiles(dirname(path)));
  t.deepEqual(stale, [], 'remove what is left of deleted sources');
});

/** Compiled files of a workspace whose source is gone. */
function compiledFiles(workspace: string): string[] {
  const dist = join(root, workspace, 'dist');
  if (!existsSync(dist)) return [];
  return readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
    .filter((path) => !existsSync(join(root, workspace, path.replace(/\.js$/, '.ts'))))
    .map((path) => `${workspace}/dist/${path}`);
}
