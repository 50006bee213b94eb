// Which tests say which requirement they show: a test by the ids in front of its title, a script by those in the comment on
// top of it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Evidence {
  readonly id: string;
  /** From the root of the project. */
  readonly file: string;
}

const ID = '(?:MUST|SHLD|MAY|REC)-\\d+';
const TITLE = new RegExp(`\\btest(?:\\.serial)?\\(\\s*(['"\`])(${ID}(?:, ${ID})*): `, 'g');

export function evidenceIn(root: string): Evidence[] {
  return filesBelow(root, 'test').flatMap((file) => {
    if (/\.(?:test|slow)\.ts$/.test(file)) return evidenceOfTest(file, readFileSync(join(root, file), 'utf8'));
    return file.endsWith('.pkt') ? evidenceOfScript(file, readFileSync(join(root, file), 'utf8')) : [];
  });
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => name !== 'dist' && name !== 'node_modules')
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(root, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    )
    .sort();
}

export function evidenceOfTest(file: string, text: string): Evidence[] {
  return [...text.matchAll(TITLE)].flatMap(([, , ids = '']) => ids.split(', ').map((id) => ({ id, file })));
}

export function evidenceOfScript(file: string, text: string): Evidence[] {
  const comment = /^(?:\/\/[^\n]*\n)+/.exec(text)?.[0] ?? '';
  const ids = new Set(comment.match(new RegExp(`\\b${ID}\\b`, 'g')) ?? []);
  return [...ids].map((id) => ({ id, file }));
}
