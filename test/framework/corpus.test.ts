// The corpus: snapshots of every format that was ever released can be gone on from, with all that was in them.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { compile, defineService, done, type FieldType, type StagePlan } from '@migratory/framework';
import { fingerprintOf } from '@migratory/framework/internal/plan.js';
import { Frame, SnapshotFormat } from '@migratory/framework/internal/runtime/frame.js';
import { CORPUS_CASES } from '../corpus/cases.js';
import { CORPUS, corpusFileOf, corpusPath, type CorpusFile } from '../corpus/make.js';
import { readable } from '../support/readable.js';

const finish = async (): Promise<ReturnType<typeof done>> => Promise.resolve(done());
const placeholder = defineService({
  name: 'corpus',
  version: 1,
  entry: 'begin',
  fields: () => ({}),
  stages: { begin: finish },
});

/** As the file says it, not as today's compiler would make it. */
function planOf({ service }: CorpusFile): StagePlan {
  const [stage] = compile(placeholder).stages;
  if (stage === undefined) throw new TypeError('The placeholder has a stage.');
  return {
    service: service.name,
    version: service.version,
    entry: service.entry,
    stages: service.stages.map((name) => ({ ...stage, name })),
    fields: Object.entries(service.fields).map(([name, type]) => ({ name, type, guard: 'unguarded' as const })),
    delegates: [],
    upgradesFrom: [],
    fingerprint: service.fingerprint,
  };
}

const paths = readdirSync(CORPUS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(CORPUS + name).map((file) => `${name}/${file}`));
const files = paths.map((path) => ({ path, file: JSON.parse(readFileSync(CORPUS + path, 'utf8')) as CorpusFile }));

for (const { path, file } of files) {
  test(`${path} is gone on from with all that was in it`, (t) => {
    const plan = planOf(file);
    const format = new SnapshotFormat(plan, placeholder, { snapshotLength: 1_000_000 });
    const state = Buffer.from(file.bytes, 'base64');
    const examined = format.examine(state);
    if (examined.kind === 'refused') return t.fail(examined.error.message);
    t.is(examined.content.stage, file.stage ?? undefined);
    t.is(examined.fromVersion, file.service.version);
    t.deepEqual(readable(examined.content.fields), file.fields);
    t.deepEqual(readable([...examined.results]), file.results);

    const session: Record<string, unknown> = {};
    const frame = new Frame(format, session);
    const point = frame.restore(state);
    t.deepEqual(point, file.stage === null ? { kind: 'finished' } : { kind: 'stage', stage: file.stage });
    t.deepEqual(readable(session), file.fields);
    for (const [key, result] of examined.results) t.deepEqual(frame.recorded(key), { kind: 'recorded', result });
  });

  test(`${path} has the fingerprint that such a service has today`, (t) => {
    t.is(fingerprintOf(planOf(file)), file.service.fingerprint);
  });
}

test("today's format has a file for every case, with what the case says", (t) => {
  for (const item of CORPUS_CASES) {
    const { bytes, ...today } = corpusFileOf(item);
    const path = corpusPath(today.format, item);
    if (!existsSync(path)) t.fail(`${path} is missing: node test/dist/corpus/make.js writes it`);
    else t.like(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(JSON.stringify(today)) as object);
    t.true(bytes.length > 0);
  }
});

test('every format has every type of field', (t) => {
  const types: FieldType[] = ['string', 'number', 'boolean', 'bigint', 'date', 'array', 'map', 'set', 'bytes', 'data'];
  const formats = new Set(files.map(({ file }) => file.format));
  t.true(formats.has(1) && formats.has(2));
  for (const format of formats) {
    const found = files.flatMap(({ file }) => (file.format === format ? Object.values(file.service.fields) : []));
    t.deepEqual([...new Set(found)].sort(), types.toSorted(), `format ${format}`);
  }
});
