// One mutant applied to a private copy of what `npm run build` has made; the working tree is never touched.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { Mutant } from './list.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** Where bugs are made. */
export type Workspace = 'stack' | 'framework';

/** The file's text with the bug in it; undefined where `find` does not stand in it exactly once. */
export function mutatedText(workspace: Workspace, { file, find, replace }: Mutant): string | undefined {
  const parts = readFileSync(join(root, workspace, file), 'utf8').split(find);
  return parts.length === 2 ? parts.join(replace) : undefined;
}

/** A folder with the compiled stack, framework and simulation, which finds its packages in itself. */
export function copyBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'migratory-mutants-'));
  for (const name of ['stack', 'framework', 'test']) {
    mkdirSync(join(folder, name));
    for (const part of ['package.json', 'dist']) {
      cpSync(join(root, name, part), join(folder, name, part), { recursive: true });
    }
  }
  const scope = join(folder, 'node_modules', '@migratory');
  mkdirSync(scope, { recursive: true });
  for (const name of ['stack', 'framework']) symlinkSync(join(folder, name), join(scope, name));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@migratory') symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  if (!existsSync(join(folder, 'test', 'dist', 'sim', 'main.js'))) throw new Error('nothing is built: npm run build');
  return folder;
}

/** Puts the bug into the copy; what it answers takes it out again. */
export function apply(folder: string, workspace: Workspace, mutant: Mutant, text: string): () => void {
  const compiled = join(folder, workspace, 'dist', mutant.file.replace(/\.ts$/, '.js'));
  const original = readFileSync(compiled, 'utf8');
  const { outputText } = ts.transpileModule(text, {
    fileName: mutant.file,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, useDefineForClassFields: true },
  });
  writeFileSync(compiled, outputText);
  return () => writeFileSync(compiled, original);
}
