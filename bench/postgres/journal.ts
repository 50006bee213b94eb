// What the record of an open transaction costs its statements: the digest of each answer, and the snapshot that has the journal in
// it. In this process, without any database.

import { DatabaseSession } from '@migratory/pg-frontend/internal/database-session.js';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { AnswerDigest } from '@migratory/pg-frontend/internal/session/answer-digest.js';
import { Journal } from '@migratory/pg-frontend/internal/session/journal.js';
import { encodeSession, newSession } from '@migratory/pg-frontend/internal/session/session-record.js';
import { query } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { tryCompile } from '@migratory/framework/internal/compiler.js';
import { SnapshotFormat } from '@migratory/framework/internal/runtime/frame.js';
import { measurement, type Measurement } from '../measurement.js';

const RUN_COUNT = 9;
const ANSWERS = [
  { name: '100 B', length: 100, callsPerRun: 50_000 },
  { name: '10 kB', length: 10_000, callsPerRun: 10_000 },
  { name: '1 MB', length: 1_000_000, callsPerRun: 100 },
] as const;
/** What a socket gives at a time. */
const PIECE_LENGTH = 64 * 1024;
const STATEMENT_COUNTS = [0, 10] as const;
const SNAPSHOTS_PER_RUN = 50_000;
const STATEMENT = 'UPDATE pgbench_accounts SET abalance = abalance + 4711 WHERE aid = 123456;';
const EMPTY = Buffer.alloc(0);

export function measureJournal(): Promise<readonly Measurement[]> {
  const digests = ANSWERS.map(({ name, length, callsPerRun }) => {
    const pieces = piecesOf(length);
    return measurement(
      `digest of an answer of ${name}`,
      'µs',
      timed(callsPerRun, () => digestOf(pieces)),
    );
  });
  const snapshots = STATEMENT_COUNTS.map((count) =>
    measurement(`snapshot with a journal of ${count} statements`, 'µs', timed(SNAPSHOTS_PER_RUN, snapshotWith(count))),
  );
  return Promise.resolve([...digests, ...snapshots]);
}

/** Microseconds for each call, by run; the first run warms up. */
function timed(callsPerRun: number, call: () => unknown): number[] {
  const runs = Array.from({ length: RUN_COUNT + 1 }, () => {
    const startedAt = performance.now();
    for (let count = 0; count < callsPerRun; count++) call();
    return ((performance.now() - startedAt) * 1000) / callsPerRun;
  });
  return runs.slice(1);
}

function piecesOf(length: number): readonly Buffer[] {
  const answer = Buffer.alloc(length, 'answer');
  const starts = Array.from({ length: Math.ceil(length / PIECE_LENGTH) }, (_, index) => index * PIECE_LENGTH);
  return starts.map((start) => answer.subarray(start, start + PIECE_LENGTH));
}

function digestOf(pieces: readonly Buffer[]): Buffer {
  const digest = new AnswerDigest();
  for (const piece of pieces) digest.add(piece);
  return digest.value();
}

/** What a restart point of an open transaction with so many statements takes: the bytes for the stack. */
function snapshotWith(statementCount: number): () => unknown {
  const compilation = tryCompile(DatabaseSession);
  if (compilation.kind === 'failed') throw new Error('the front-end does not compile');
  const { plan, definition } = compilation;
  const format = new SnapshotFormat(plan, definition, { snapshotLength: LIMITS.snapshotLength });
  const session = sessionWith(statementCount);
  let visit = 0;
  return () => format.encode(session, 'transaction', ++visit, EMPTY);
}

/** The fields of a session as they are in the midst of a transaction. */
function sessionWith(statementCount: number): Record<string, unknown> {
  const journal = new Journal();
  const digest = digestOf(piecesOf(100));
  for (let count = 0; count < statementCount; count++) {
    journal.record({ state: 'complete', request: query(STATEMENT), answerLength: 100, digest });
  }
  const login = { user: 'postgres', database: 'postgres', parameters: { application_name: 'pgbench' } };
  return {
    login: { packet: Buffer.alloc(100), encryptionRequestCount: 0, outcome: 'accepted', exchange: null },
    session: encodeSession(newSession(login, { processId: 1, key: Buffer.alloc(4) })),
    pending: EMPTY,
    unnamed: EMPTY,
    journal: journal.bytes,
    status: 'T',
    backendIdentity: '12345/1790000000.123456',
    transactionId: '',
    verdict: '',
    pins: [],
  };
}
