// The small parts of a session: its record, its statements, its welcome, and what answers a COMMIT that was found out about.

import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { CancelDesk } from '@migratory/pg-frontend/internal/session/cancel-desk.js';
import { commitAnswer, type Fate } from '@migratory/pg-frontend/internal/session/commit.js';
import { Exchange } from '@migratory/pg-frontend/internal/session/exchange.js';
import {
  decodeSession,
  encodeSession,
  newSession,
  type SessionRecord,
} from '@migratory/pg-frontend/internal/session/session-record.js';
import { StatementBook } from '@migratory/pg-frontend/internal/session/statement-book.js';
import { admit, parameterChanges, welcome } from '@migratory/pg-frontend/internal/session/welcome.js';
import { FLUSH, query, startupPacket, SYNC } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { BACKEND, message } from '@migratory/pg-frontend/internal/wire/message.js';
import { bind, close, describe, execute, parse, told } from '../../../support/postgres/client-messages.js';

const desk = new CancelDesk({
  secret: Buffer.alloc(32),
  random: (length) => Buffer.alloc(length, 255),
  now: () => 0,
  announce: () => undefined,
});

const login = { user: 'ann', database: 'shop', parameters: { application_name: 'till' } };
const newRecord = (): SessionRecord => newSession(login, { processId: 7, key: Buffer.of(1, 2, 3, 4) });

test('a record travels', (t) => {
  t.deepEqual(decodeSession(encodeSession(newRecord()) ?? Buffer.alloc(0)), newRecord());
  const text = fc.string({ unit: 'binary' }).map((each) => Buffer.from(each, 'latin1').toString('latin1'));
  const parses = fc.array(fc.uint8Array().map((bytes) => Buffer.from(bytes)));
  const record: fc.Arbitrary<SessionRecord> = fc.record({
    login: fc.constant(login),
    cancelKey: fc.record({ processId: fc.nat(), key: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
    parameters: fc.dictionary(text, text),
    authorization: fc.option(text, { nil: undefined }),
    role: fc.option(text, { nil: undefined }),
    statements: parses,
    laterStatements: fc.option(parses, { nil: undefined }),
    sqlStatements: fc.array(text),
    channels: fc.array(text),
    reported: fc.dictionary(text, text),
  });
  fc.assert(
    fc.property(record, (each) => {
      const encoded = encodeSession(each) ?? Buffer.alloc(0);
      const decoded = decodeSession(encoded);
      t.deepEqual(
        { ...decoded, parameters: { ...decoded.parameters } },
        { ...each, parameters: { ...each.parameters } },
      );
      t.deepEqual(encodeSession(decoded), encoded);
    }),
    { numRuns: 50 },
  );
});

test('a record that is too large does not travel', (t) => {
  const record = newRecord();
  record.statements = Array.from({ length: LIMITS.preparedStatementCount }, () => Buffer.of(1));
  t.not(encodeSession(record), undefined);
  record.sqlStatements = ['PREPARE a AS SELECT 1'];
  t.is(encodeSession(record), undefined);
  record.statements = [Buffer.alloc(LIMITS.sessionLength)];
  t.is(encodeSession(record), undefined);
});

test('a book knows what is prepared, and whether something has changed', (t) => {
  const book = new StatementBook(new Map());
  const known = (name: string): [string, { parse: Buffer; query: ReturnType<typeof book.classify> }] => {
    return [name, { parse: parse(name, 'SELECT'), query: book.classify('SELECT') }];
  };
  book.add(...known(''));
  t.false(book.hasChanged, 'the unnamed statement travels by itself');
  book.add(...known('a'));
  t.true(book.hasChanged);
  t.deepEqual([book.takeChange(), book.takeChange()], [true, false]);
  t.deepEqual(book.named(), [parse('a', 'SELECT')]);
  book.add(...known('b'));
  book.keep(new Set(['b']));
  t.deepEqual([...book.statements.keys()], ['', 'b']);
  book.takeChange();
  book.remove('unknown');
  book.note('TimeZone', 'UTC');
  t.true(book.takeChange());
  book.note('TimeZone', 'UTC');
  t.false(book.takeChange(), 'nothing new');
  book.removeAll();
  t.deepEqual([[...book.statements.keys()], book.takeChange()], [[''], true], 'DEALLOCATE ALL is of those with names');
});

test('a book that is full takes no more statements with names until some are gone', (t) => {
  const book = new StatementBook(new Map());
  const query = book.classify('SELECT');
  const long = ' '.repeat(100_000);
  const room = Math.ceil(LIMITS.preparedLength / (1024 + parse('00', long).length));
  const refuses = (): boolean[] =>
    [parse('a', ''), parse('', ''), close('S', 'a'), bind('', 'a')].map((each) => book.refuses([SYNC, each]));
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < room; index++) {
      t.false(book.refuses([parse('a', '')]));
      const name = String(index % 10 === 9 ? index - 1 : index).padStart(3, '0'); // one of ten takes another's place
      book.add(name, { parse: parse(name, long), query });
    }
    book.add('', { parse: parse('', long), query });
    t.false(book.refuses([parse('a', '')]), 'what was replaced takes no room, nor what has no name');
    for (let index = 0; index < room / 9; index++) book.add(`+${index}`, { parse: parse('+0', long), query });
    t.deepEqual(refuses(), [true, false, false, false]);
    if (round === 0) book.removeAll();
    else book.keep(new Set());
    t.deepEqual(refuses(), [false, false, false, false]);
  }
});

test('a book says when there is too much in it to travel', (t) => {
  const book = new StatementBook(new Map());
  const query = book.classify('SELECT');
  const long = parse('a', ' '.repeat(LIMITS.sessionLength));
  book.add('', { parse: long, query });
  t.false(book.isTooMuchToTravel, 'the unnamed statement travels by itself');
  book.add('a', { parse: long, query });
  t.true(book.isTooMuchToTravel);
  book.remove('a');
  for (let index = 1; index <= LIMITS.preparedStatementCount; index++) book.add(`${index}`, { parse: SYNC, query });
  t.false(book.isTooMuchToTravel);
  book.add('one more', { parse: SYNC, query });
  t.true(book.isTooMuchToTravel);
});

test('a book keeps a statement, and not the bytes that came with it', (t) => {
  const book = new StatementBook(new Map());
  const chunk = Buffer.concat([parse('a', 'SELECT'), Buffer.alloc(60_000)]);
  book.add('a', { parse: chunk.subarray(0, parse('a', 'SELECT').length), query: book.classify('SELECT') });
  t.deepEqual(book.named(), [parse('a', 'SELECT')]);
  t.is(book.named()[0]?.buffer.byteLength, parse('a', 'SELECT').length);
});

test('texts are read as the session says', (t) => {
  const reported = new Map([['standard_conforming_strings', 'on']]);
  const book = new StatementBook(reported);
  const text = String.raw`SELECT '\'; COMMIT`;
  t.is(book.classify(text).commits, 'among-others');
  reported.set('standard_conforming_strings', 'off');
  t.not(book.classify(text).commits, 'among-others');
  reported.set('standard_conforming_strings', 'on').set('client_encoding', 'SJIS');
  t.is(book.classify(text).commits, 'unclear', 'a backslash may be half of a character');
  t.is(book.classify('SELECT 1').commits, 'none');
  t.is(book.classify(undefined).commits, 'unclear');
  t.deepEqual([...book.customParameters], []);
  book.classify('SET my.mood = fine');
  t.deepEqual([...book.customParameters], ['my.mood']);
});

test('who is let in gets a key as long as the protocol has them, and the parameters of the database', (t) => {
  const packet = (minor: number): Buffer => startupPacket(minor, { user: 'ann', database: 'shop', options: '-c a=b' });
  t.deepEqual(
    [0, 1, 2].map((minor) => admit(packet(minor), desk).cancelKey.key.length),
    [4, 4, 32],
  );
  const record = admit(packet(0), desk);
  t.deepEqual(record.login, { user: 'ann', database: 'shop', parameters: { options: '-c a=b' } });
  t.true(record.cancelKey.processId > 0, 'as process ids are');
  const reported = new Map([
    ['TimeZone', 'UTC'],
    ['client_encoding', 'UTF8'],
  ]);
  t.deepEqual(told(welcome(record, reported)), ['R', 'S', 'S', 'K', 'Z I']);
  t.is(parameterChanges(record, reported).length, 0);
  reported.set('TimeZone', 'GMT').set('new', 'one');
  t.deepEqual(told(parameterChanges(record, reported)), ['S', 'S']);
  t.is(parameterChanges(record, reported).length, 0, 'it has been told');
  t.throws(() => admit(startupPacket(0, {}), desk), { instanceOf: TypeError });
});

/** `given`: what of its answer the client has been given; `heard`: what has come besides. */
function answerTo(asked: readonly Buffer[], fate: Fate, given?: Buffer, heard?: Buffer): string[] {
  const exchange = new Exchange(new StatementBook(new Map()));
  for (const each of asked) exchange.ask(each);
  if (given !== undefined) exchange.receive(given);
  exchange.take();
  if (heard !== undefined) exchange.receive(heard);
  return told(commitAnswer(exchange, fate));
}

const sequence = [parse('', 'COMMIT'), bind('', ''), describe('P', ''), execute(''), close('P', ''), SYNC];

test('a COMMIT that was found out about is answered as if nothing had been', (t) => {
  t.deepEqual(answerTo([query('COMMIT')], 'committed'), ['C COMMIT', 'Z I']);
  t.deepEqual(answerTo([query(' end ; ')], 'aborted'), ['E ERROR 40001', 'Z I']);
  t.deepEqual(answerTo(sequence, 'committed'), ['1', '2', 'n', 'C COMMIT', '3', 'Z I']);
  t.deepEqual(answerTo(sequence, 'committed', undefined, message(BACKEND.parseComplete)), [
    '1',
    '2',
    'n',
    'C COMMIT',
    '3',
    'Z I',
  ]);
  t.deepEqual(answerTo(sequence, 'aborted'), ['1', '2', 'n', 'E ERROR 40001', 'Z I']);
  const described = [parse('', 'COMMIT'), describe('S', ''), bind('', ''), execute(''), SYNC];
  t.deepEqual(answerTo(described, 'committed'), ['1', 't', 'n', '2', 'C COMMIT', 'Z I']);
});

test('where more than a COMMIT was asked, or begun to be answered, the session ends and says what is known', (t) => {
  const ended = (asked: readonly Buffer[], fate: Fate, given?: Buffer): unknown => {
    const error = t.throws(() => answerTo(asked, fate, given), { name: 'SessionEnded' });
    return (error as unknown as { complaint: { code: string } }).complaint.code;
  };
  t.is(ended([query('COMMIT; INSERT 1')], 'committed'), '08007');
  t.is(ended([query('COMMIT')], 'unknown'), '08007');
  t.is(ended([query('COMMIT AND CHAIN')], 'aborted'), '40001');
  t.is(ended(sequence, 'committed', message(BACKEND.parseComplete)), '08007');
  t.is(ended([...sequence.slice(0, -1), FLUSH], 'committed'), '08007');
});
