// Writes the corpus's files that are missing, in today's format. See README.md.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, defineService, done, type FieldType } from '@migratory/framework';
import { Frame, SnapshotFormat } from '@migratory/framework/internal/runtime/frame.js';
import { decodeParts } from '@migratory/framework/internal/snapshotable.js';
import { readable } from '../support/readable.js';
import { CORPUS_CASES, type CorpusCase } from './cases.js';

export interface CorpusFile {
  readonly format: number;
  readonly service: {
    readonly name: string;
    readonly version: number;
    readonly entry: string;
    readonly stages: readonly string[];
    readonly fields: Readonly<Record<string, FieldType>>;
    readonly fingerprint: string;
  };
  /** null: the service has finished. */
  readonly stage: string | null;
  /** As `readable` writes them, and so the results. */
  readonly fields: unknown;
  readonly results: unknown;
  /** base64 */
  readonly bytes: string;
}

/** Not written out in the stages: their code doesn't say where they go, so that both may be reached. */
const END = done();

/** The compiled module is in `test/dist/corpus`. */
export const CORPUS = fileURLToPath(new URL('../../corpus/', import.meta.url));

export function corpusFileOf({ fields, stage, results = [] }: CorpusCase): CorpusFile {
  const finish = async (): Promise<ReturnType<typeof done>> => Promise.resolve(END);
  const stages = { begin: finish, body: finish };
  const definition = defineService({ name: 'corpus', version: 1, entry: 'begin', fields, stages });
  const plan = compile(definition);
  const session = fields();
  const frame = new Frame(new SnapshotFormat(plan, definition, { snapshotLength: 1_000_000 }), session);
  let bytes = frame.encode(stage === null ? { kind: 'finished' } : { kind: 'stage', stage }, 'cleared');
  for (const [key, result] of results) bytes = frame.record(key, result);
  const header: unknown = decodeParts(bytes, () => 'go-on')[0]?.value;
  return {
    format: Array.isArray(header) ? Number(header[0]) : 0,
    service: {
      name: plan.service,
      version: plan.version,
      entry: plan.entry,
      stages: plan.stages.map(({ name }) => name),
      fields: Object.fromEntries(plan.fields.map(({ name, type }) => [name, type])),
      fingerprint: plan.fingerprint,
    },
    stage,
    fields: stage === null ? {} : readable(Object.fromEntries(plan.fields.map(({ name }) => [name, session[name]]))),
    results: readable(results.map(([key, result]) => [key, result])),
    bytes: Buffer.from(bytes).toString('base64'),
  };
}

export function corpusPath(format: number, { name }: CorpusCase): string {
  return `${CORPUS}format-${format}/${name}.json`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const item of CORPUS_CASES) {
    const file = corpusFileOf(item);
    const path = corpusPath(file.format, item);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
    console.log(`written: ${path}`);
  }
}
