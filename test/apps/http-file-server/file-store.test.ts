// The store on a real disk: what it finds, what it doesn't let out, and which bytes it calls the same file.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileStore, type FileVersion, type OpenFile } from '@migratory/http-file-server/internal/file-store.js';

interface Place {
  readonly top: string;
  readonly root: string;
  readonly store: FileStore;
}

async function makePlace(t: ExecutionContext): Promise<Place> {
  const top = await mkdtemp(join(tmpdir(), 'migratory-store-'));
  t.teardown(() => rm(top, { recursive: true }));
  const root = join(top, 'root');
  await mkdir(join(root, 'sub'), { recursive: true });
  await writeFile(join(top, 'outside.txt'), 'outside');
  await mkdir(join(top, 'root-beside'));
  await writeFile(join(top, 'root-beside', 'x'), 'beside');
  await writeFile(join(root, 'inside.txt'), 'inside');
  return { top, root, store: await FileStore.at(root) };
}

async function versionOf(store: FileStore, path: string): Promise<FileVersion> {
  const found = await store.find(path);
  if (found.kind !== 'file') throw new Error(`${path} is ${found.kind}`);
  return found.version;
}

/** A command of every Unix; Node has no call for it. */
const MAKE_FIFO = 'mkfifo';
const MODIFIED_S = 1_700_000_000;
const FILE_CHANGED = { name: 'FileChanged', code: 'ERR_FILE_CHANGED' };

test('files, directories, and what is neither', async (t) => {
  const { root, store } = await makePlace(t);
  t.like(await store.find('inside.txt'), { kind: 'file', path: 'inside.txt', version: { size: 6 } });
  t.deepEqual(await store.find('sub'), { kind: 'directory' });
  t.deepEqual(await store.find(''), { kind: 'directory' });
  for (const path of ['nothing', 'inside.txt/x', 'a'.repeat(300), `${'a/'.repeat(3000)}b`]) {
    t.deepEqual(await store.find(path), { kind: 'missing' }, path.slice(0, 20));
  }
  await symlink('circle', join(root, 'circle'));
  t.deepEqual(await store.find('circle'), { kind: 'missing' });
});

test('what lies outside the root is missing, however it is reached', async (t) => {
  const { top, root, store } = await makePlace(t);
  await symlink(join(top, 'outside.txt'), join(root, 'link.txt'));
  await symlink(join(top, 'root-beside'), join(root, 'beside'));
  await symlink('..', join(root, 'sub', 'up'));
  await symlink('../..', join(root, 'sub', 'upper'));
  const version = { size: 7, modifiedMs: 0 };
  for (const path of ['link.txt', 'beside', 'beside/x', 'sub/upper', 'sub/upper/outside.txt', '../outside.txt']) {
    t.deepEqual(await store.find(path), { kind: 'missing' }, path);
    await t.throwsAsync(store.open(path, version), FILE_CHANGED, path);
  }
  t.like(await store.find('sub/up/inside.txt'), { kind: 'file' }, 'a link that stays inside is followed');
});

test('a root that is a link is followed once, at the start', async (t) => {
  const { top, root } = await makePlace(t);
  await symlink(root, join(top, 'link-to-root'));
  const store = await FileStore.at(join(top, 'link-to-root'));
  t.like(await store.find('inside.txt'), { kind: 'file' });
  await t.throwsAsync(FileStore.at(join(root, 'inside.txt')), { code: 'ENOTDIR' });
  await t.throwsAsync(FileStore.at(join(top, 'nothing')), { code: 'ENOENT' });
});

test('a FIFO is no file, and does not block', async (t) => {
  const { root, store } = await makePlace(t);
  execFileSync(MAKE_FIFO, [join(root, 'pipe')]);
  t.deepEqual(await store.find('pipe'), { kind: 'missing' });
  await t.throwsAsync(store.open('pipe', { size: 0, modifiedMs: 0 }), FILE_CHANGED);
});

async function textAt(file: OpenFile, offset: number, length: number): Promise<string> {
  const bytes = Buffer.alloc(length);
  await file.read(offset, bytes);
  return bytes.toString();
}

test('bytes come from where they were asked for', async (t) => {
  const { store } = await makePlace(t);
  const file = await store.open('inside.txt', await versionOf(store, 'inside.txt'));
  t.is(await textAt(file, 2, 3), 'sid');
  t.is(await textAt(file, 0, 6), 'inside');
  await t.throwsAsync(textAt(file, 4, 3), FILE_CHANGED);
  await file.close();
});

test('another version is another file: on opening, and under way', async (t) => {
  const { root, store } = await makePlace(t);
  const path = join(root, 'inside.txt');
  // Whole seconds: a fraction would be rounded on its way through the system call.
  await utimes(path, MODIFIED_S, MODIFIED_S);
  const version = await versionOf(store, 'inside.txt');
  const file = await store.open('inside.txt', version);
  await file.check();
  await utimes(path, 1, 1);
  await t.throwsAsync(file.check(), FILE_CHANGED);
  await t.throwsAsync(store.open('inside.txt', version), FILE_CHANGED);
  await utimes(path, MODIFIED_S, MODIFIED_S);
  await file.check();
  await truncate(path, 5);
  await utimes(path, MODIFIED_S, MODIFIED_S);
  await t.throwsAsync(file.check(), FILE_CHANGED);
  await file.close();
});

test('a file that is replaced is read to its end by whoever has it open', async (t) => {
  const { top, root, store } = await makePlace(t);
  const file = await store.open('inside.txt', await versionOf(store, 'inside.txt'));
  await rename(join(top, 'outside.txt'), join(root, 'inside.txt'));
  t.is(await textAt(file, 0, 6), 'inside');
  await file.check();
  await file.close();
});
