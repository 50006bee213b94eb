// The server as the judge: it counts the statements of a text, and says whether the transaction has ended.

import test from 'ava';
import fc from 'fast-check';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { classifyQuery } from '@migratory/pg-frontend/internal/sql/classify.js';
import type { StandardConformingStrings } from '@migratory/pg-frontend/internal/sql/lexer.js';
import { QUICK_SETTINGS } from '../../../support/postgres/world.js';
import { CHAINS, COMMITS, gap, harmless, oneOf, ROLLBACKS, soup } from './arbitrary-sql.js';
import { SimpleConnection, type Answer } from './simple-query.js';

const SYNTAX_ERROR = '42601';

let database: EmbeddedDatabase;

test.before(async () => {
  database = await startEmbeddedDatabase({ settings: QUICK_SETTINGS });
  const connection = await open('on');
  await connection.query('CREATE TABLE ruled (a int)');
  connection.close();
});

test.after.always(() => database.stop());

async function open(setting: StandardConformingStrings): Promise<SimpleConnection> {
  const connection = await SimpleConnection.open(database.host, database.port);
  await connection.query(`SET standard_conforming_strings = ${setting}; SET escape_string_warning = off`);
  return connection;
}

/** What the server answers in a transaction block; the next text finds no transaction. */
async function ask(connection: SimpleConnection, text: string): Promise<Answer> {
  await connection.query('BEGIN; SAVEPOINT a');
  const answer = await connection.query(text);
  if (answer.status !== 'I') await connection.query('ROLLBACK');
  return answer;
}

for (const setting of ['on', 'off'] as const) {
  test(`texts that the server runs to their end, standard_conforming_strings ${setting}`, async (t) => {
    const connection = await open(setting);
    const statement = fc.oneof(
      { weight: 5, arbitrary: harmless(setting) },
      { weight: 1, arbitrary: fc.constantFrom('', ' ', '/* ; */', 'SAVEPOINT commit', 'BEGIN', 'ROLLBACK TO a') },
      { weight: 1, arbitrary: fc.oneof(oneOf(COMMITS), oneOf(ROLLBACKS)) },
    );
    const texts = fc.array(fc.tuple(gap, statement, gap), { maxLength: 5 });
    let finished = 0;
    await fc.assert(
      fc.asyncProperty(texts, async (list) => {
        const text = list.map((piece) => piece.join('')).join(';');
        const answer = await ask(connection, text);
        const { statementCount, commits, rollsBack } = classifyQuery(text, setting);
        t.not(answer.error, SYNTAX_ERROR, text);
        t.true(answer.tags.length <= statementCount);
        if (answer.tags.includes('COMMIT') || answer.status === 'I')
          t.not(`${commits} ${rollsBack}`, 'none none', text);
        if (answer.error !== '') return;
        finished += 1;
        t.is(answer.tags.length, statementCount, text);
        t.is(answer.emptyCount, statementCount === 0 ? 1 : 0);
        t.is(commits !== 'none', answer.tags.includes('COMMIT'), text);
        if (rollsBack !== 'none') t.true(answer.tags.includes('ROLLBACK'));
      }),
      { numRuns: 400 },
    );
    t.true(finished > 250, `the server refused too many to judge: it finished ${finished}`);
    connection.close();
  });
}

test('each command that ends a transaction, and each that goes on with another', async (t) => {
  const connection = await open('on');
  for (const command of [...COMMITS, ...ROLLBACKS]) {
    t.is((await ask(connection, command)).status, 'I', command);
    const { commits, rollsBack } = classifyQuery(command, 'on');
    t.true(commits === 'alone' || rollsBack === 'alone', command);
  }
  for (const command of CHAINS) {
    t.is((await ask(connection, command)).status, 'T', command);
    t.is(classifyQuery(command, 'on').commits, 'among-others', command);
  }
  t.is((await ask(connection, "PREPARE TRANSACTION U&'a' UESCAPE '!'")).status, 'I');
  t.deepEqual((await connection.query("ROLLBACK PREPARED 'a'")).tags, ['ROLLBACK PREPARED']);
  connection.close();
});

test('anything at all: what the server accepts is counted as it does, and a COMMIT of its is known', async (t) => {
  const connection = await open('on');
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(soup, async (text) => {
      const { tags, error, status } = await ask(connection, `SELECT 1${text}`);
      const { statementCount, commits } = classifyQuery(`SELECT 1${text}`, 'on');
      if (tags.includes('COMMIT') || status === 'I') t.not(commits, 'none', text);
      if (error !== '') return;
      accepted += 1;
      if (commits !== 'unclear') t.is(tags.length, statementCount, text);
    }),
    { numRuns: 2000 },
  );
  t.true(accepted > 20, `the server accepted only ${accepted}`);
  connection.close();
});
