// Messages of both directions: where they end, and the little that is read of them.

import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import {
  backendKeyData,
  bodyOf,
  commandComplete,
  encodeErrorFields,
  errorResponse,
  negotiateProtocolVersion,
  parameterStatus,
  readErrorFields,
  readParameter,
  readRow,
  readStatus,
  readyForQuery,
} from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import {
  extentOf,
  FLUSH,
  query,
  quoteIdentifier,
  quoteLiteral,
  readBind,
  readExecute,
  readNamed,
  readParse,
  readQuery,
  readSaslInitial,
  SYNC,
  TERMINATE,
} from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { BACKEND, cString, FRONTEND, int32, message } from '@migratory/pg-frontend/internal/wire/message.js';
import { bind, close, copyData, describe, execute, parse } from '../../../support/postgres/client-messages.js';

/** Texts of bytes, without the zero byte. */
const bytesText = fc
  .uint8Array({ maxLength: 30 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\0', ''));
const text = fc.string({ maxLength: 30 }).filter((each) => !each.includes('\0'));

const known = [
  query('SELECT'),
  parse('a', 'SELECT'),
  bind('p', 'a'),
  describe('S', 'a'),
  close('P', 'p'),
  execute('p'),
  copyData('1'),
  SYNC,
  FLUSH,
  TERMINATE,
];

test('where a message ends is known from its header on', (t) => {
  for (const whole of known) {
    const at = 3;
    const bytes = Buffer.concat([Buffer.alloc(at, 'Q'), whole, Buffer.from('Q')]);
    for (let length = 0; length <= whole.length + 1; length++) {
      const extent = extentOf(bytes.subarray(0, at + length), at);
      if (length < 5) t.is(extent.kind, 'nothing');
      else
        t.deepEqual(extent, { kind: length < whole.length ? 'begun' : 'whole', type: whole[0], length: whole.length });
    }
  }
});

test('types that a client does not send, and lengths that no message has, are refused', (t) => {
  for (let type = 0; type < 256; type++) {
    const isKnown = known.some((whole) => whole[0] === type) || type === FRONTEND.functionCall;
    const isOfCopy = type === FRONTEND.copyDone || type === FRONTEND.copyFail;
    t.is(extentOf(Buffer.of(type, 0, 0, 0, 4), 0).kind === 'malformed', !isKnown && !isOfCopy, `type ${type}`);
  }
  const claimed = (type: number, length: number): string =>
    extentOf(Buffer.concat([Buffer.of(type), int32(length)]), 0).kind;
  t.deepEqual([claimed(FRONTEND.query, 3), claimed(FRONTEND.query, -1)], ['malformed', 'malformed']);
  t.is(claimed(FRONTEND.query, LIMITS.messageLength), 'begun');
  t.is(claimed(FRONTEND.query, LIMITS.messageLength + 1), 'malformed');
  t.is(claimed(FRONTEND.execute, LIMITS.smallMessageLength), 'begun');
  t.is(claimed(FRONTEND.execute, LIMITS.smallMessageLength + 1), 'malformed');
});

test('whatever bytes come, readers answer or say that they can not', (t) => {
  const readers = [readQuery, readParse, readBind, readExecute, readNamed];
  const answers = fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(70), (bytes, at) => {
    const garbage = Buffer.from(bytes);
    const extent = extentOf(garbage, at);
    if (extent.kind === 'whole') t.true(at + extent.length <= garbage.length);
    for (const read of readers) read(garbage);
    readSaslInitial(garbage);
    readErrorFields(garbage);
    readParameter(garbage);
    readStatus(garbage);
  });
  t.notThrows(() => fc.assert(answers));
});

test('names and texts of the client are read byte by byte', (t) => {
  fc.assert(
    fc.property(bytesText, bytesText, (one, other) => {
      const raw = (each: string): Buffer => Buffer.from(`${each}\0`, 'latin1');
      t.is(readQuery(query(one)), one);
      t.deepEqual(readParse(message(FRONTEND.parse, raw(one), raw(other), Buffer.of(0, 0))), {
        name: one,
        text: other,
      });
      t.deepEqual(readBind(message(FRONTEND.bind, raw(one), raw(other))), { portal: one, statement: other });
      t.is(readExecute(message(FRONTEND.execute, raw(one), int32(0))), one);
      t.deepEqual(readNamed(message(FRONTEND.describe, 'S', raw(one))), { kind: 'statement', name: one });
      t.deepEqual(readNamed(message(FRONTEND.close, 'P', raw(one))), { kind: 'portal', name: one });
    }),
  );
  t.is(readNamed(message(FRONTEND.close, 'X', cString('a'))), undefined);
});

test('what is cut off has no text', (t) => {
  const whole = parse('name', 'SELECT');
  for (let length = 0; length < whole.length - 2; length++) {
    t.is(readParse(whole.subarray(0, length)), undefined);
  }
});

test('the data of a SASLInitialResponse are as long as they say', (t) => {
  const body = (claimed: number): Buffer => Buffer.concat([cString('SCRAM'), int32(claimed), Buffer.from('data')]);
  t.deepEqual(readSaslInitial(body(4)), { mechanism: 'SCRAM', data: Buffer.from('data') });
  for (const claimed of [-1, 0, 3, 5]) t.is(readSaslInitial(body(claimed)), undefined);
});

test('fields of errors are read as they were written', (t) => {
  const letter = fc.constantFrom('S', 'V', 'C', 'M', 'D', 'H', 'W', 'q');
  fc.assert(
    fc.property(fc.dictionary(letter, text), (fields) => {
      t.deepEqual(readErrorFields(bodyOf(encodeErrorFields(fields))), { ...fields });
    }),
  );
  const whole = errorResponse({ severity: 'FATAL', code: '08006', message: 'gone', hint: 'again' });
  t.deepEqual(readErrorFields(bodyOf(whole)), { S: 'FATAL', V: 'FATAL', C: '08006', M: 'gone', H: 'again' });
  for (let length = 0; length < whole.length - 5; length++) readErrorFields(bodyOf(whole).subarray(0, length));
});

test('parameters, statuses and tags', (t) => {
  fc.assert(
    fc.property(text, text, (name, value) => {
      t.deepEqual(readParameter(bodyOf(parameterStatus(name, value))), { name, value });
    }),
  );
  t.deepEqual(
    (['I', 'T', 'E'] as const).map((status) => readStatus(bodyOf(readyForQuery(status)))),
    ['I', 'T', 'E'],
  );
  t.is(readStatus(Buffer.alloc(0)), undefined);
  t.is(bodyOf(commandComplete('INSERT 0 1')).toString(), 'INSERT 0 1\0');
});

test('rows have texts and nulls, in whatever encoding', (t) => {
  fc.assert(
    fc.property(fc.array(fc.option(bytesText), { maxLength: 5 }), (row) => {
      const values = row.map((each) =>
        each === null ? int32(-1) : Buffer.concat([int32(each.length), Buffer.from(each, 'latin1')]),
      );
      t.deepEqual(readRow(Buffer.concat([Buffer.of(0, row.length), ...values])), row);
    }),
  );
});

test('the messages of a login, byte by byte', (t) => {
  t.deepEqual(backendKeyData(1, Buffer.of(9, 9)), Buffer.from([BACKEND.backendKeyData, 0, 0, 0, 10, 0, 0, 0, 1, 9, 9]));
  const negotiated = negotiateProtocolVersion(2, ['_pq_.a']);
  t.deepEqual(bodyOf(negotiated), Buffer.concat([int32(0x0003_0002), int32(1), cString('_pq_.a')]));
});

test('constants and names are quoted, whatever is in them', (t) => {
  t.is(quoteLiteral("it's"), "'it''s'");
  t.is(quoteLiteral(String.raw`a\'b`), String.raw` E'a\\''b'`);
  t.is(quoteIdentifier('a"b'), '"a""b"');
});
