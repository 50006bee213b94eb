// How much code the file example takes, beside the same server on node:net, whose connections stay where they are.

import { readFileSync } from 'node:fs';
import { measurement, type Measurement } from '../measurement.js';

const AIM_RATIO = 1.1;
const EXAMPLES = new URL('../../../examples/', import.meta.url);

export function measureCode(): Promise<readonly Measurement[]> {
  const [migratory, plain] = ['file.ts', 'file-without-migration.ts'].map(linesOf) as [number, number];
  return Promise.resolve([
    measurement('file example, lines of code', 'lines', [migratory]),
    measurement('the same on node:net, without migration', 'lines', [plain]),
    measurement('file example to node:net', 'ratio', [migratory / plain], {
      kind: 'at-most',
      value: AIM_RATIO,
      of: 'median',
    }),
  ]);
}

/** Without comments and empty lines. */
function linesOf(name: string): number {
  const text = readFileSync(new URL(name, EXAMPLES), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return text.split('\n').filter((line) => line.trim() !== '').length;
}
