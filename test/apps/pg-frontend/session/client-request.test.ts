// What of a client's bytes goes to the database at once: the same messages in the same order, whatever came when.

import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { nextRequest, type ClientRequest } from '@migratory/pg-frontend/internal/session/client-request.js';
import { FLUSH, query, SYNC, TERMINATE } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { int32 } from '@migratory/pg-frontend/internal/wire/message.js';
import { bind, execute, parse } from '../../../support/postgres/client-messages.js';

const [PARSE, BIND, EXECUTE, QUERY] = [parse('', 'SELECT'), bind('', ''), execute(''), query('SELECT')];
const of = (...messages: readonly Buffer[]): ClientRequest => nextRequest(Buffer.concat(messages));

test('a Query goes alone, a sequence up to its Sync or Flush', (t) => {
  t.like(of(QUERY, QUERY), { kind: 'messages', length: QUERY.length, end: 'flushed' });
  for (const end of [SYNC, FLUSH]) {
    const sequence = [PARSE, BIND, EXECUTE, end];
    t.like(of(...sequence, QUERY), { kind: 'messages', messages: sequence, end: 'flushed' });
  }
  t.like(of(PARSE, BIND, QUERY), { kind: 'messages', messages: [PARSE, BIND], end: 'unflushed' });
  t.like(of(PARSE, TERMINATE), { kind: 'messages', messages: [PARSE], end: 'unflushed' });
  t.deepEqual(of(TERMINATE, QUERY), { kind: 'terminate' });
});

test('a sequence without an end is kept, but not for ever', (t) => {
  t.deepEqual(of(PARSE, BIND, EXECUTE), { kind: 'incomplete' });
  const many = Array.from({ length: Math.ceil(LIMITS.requestLength / PARSE.length) }, () => PARSE);
  t.like(of(...many, BIND), { kind: 'messages', messages: many, end: 'unflushed' });
  t.deepEqual(of(...many.slice(1)), { kind: 'incomplete' });
});

test('what is too large is passed on as it comes, behind what came before it', (t) => {
  const head = (length: number): Buffer => Buffer.concat([Buffer.from('Q'), int32(length - 1), Buffer.alloc(300, ' ')]);
  t.deepEqual(of(head(LIMITS.inspectedLength)), { kind: 'incomplete' });
  const fewBytes = head(LIMITS.inspectedLength + 1).subarray(0, 100);
  t.deepEqual(of(fewBytes), { kind: 'incomplete' }, 'its names may be still to come');
  const large = head(LIMITS.inspectedLength + 1);
  t.like(of(large), { kind: 'large', length: LIMITS.inspectedLength + 1 });
  t.like(of(PARSE, large), { kind: 'messages', messages: [PARSE] });
});

test('what is no message is told behind what came before it', (t) => {
  const wrong = Buffer.from('!....');
  t.deepEqual(of(wrong), { kind: 'malformed', message: 'invalid frontend message type 33' });
  t.like(of(PARSE, wrong), { kind: 'messages', messages: [PARSE] });
});

test('however the bytes come, the same messages go, each once and in order', (t) => {
  const message = fc.constantFrom(PARSE, BIND, EXECUTE, QUERY, SYNC, FLUSH);
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (messages, lengths) => {
        const bytes = Buffer.concat([...messages, SYNC]);
        let pending: Buffer = Buffer.alloc(0);
        const gone: Buffer[] = [];
        const take = (): void => {
          for (let next = nextRequest(pending); next.kind !== 'incomplete'; next = nextRequest(pending)) {
            if (next.kind !== 'messages') throw new TypeError(next.kind);
            t.is(Buffer.concat(next.messages).length, next.length);
            gone.push(...next.messages);
            pending = pending.subarray(next.length);
          }
        };
        let at = 0;
        for (const length of [...lengths, Infinity]) {
          pending = Buffer.concat([pending, bytes.subarray(at, at + length)]);
          at += length;
          take();
        }
        t.deepEqual(gone, [...messages, SYNC]);
      },
    ),
  );
});
