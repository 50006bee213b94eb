// The journal of a transaction, and the digest of an answer: what is recorded is read again, at this member or at another.

import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { AnswerDigest, DIGEST_LENGTH } from '@migratory/pg-frontend/internal/session/answer-digest.js';
import { Journal, readJournal, type JournalEntry } from '@migratory/pg-frontend/internal/session/journal.js';

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((each) => Buffer.from(each));
const entry: fc.Arbitrary<JournalEntry> = fc.record({
  state: fc.constantFrom('complete', 'open'),
  request: bytes(3000),
  answerLength: fc.integer({ min: 0, max: 2 ** 47 }),
  digest: fc.uint8Array({ minLength: DIGEST_LENGTH, maxLength: DIGEST_LENGTH }).map((each) => Buffer.from(each)),
});

/** What stays of a list: an open entry is written over by the next one. */
function settled(entries: readonly JournalEntry[]): JournalEntry[] {
  return entries.filter(({ state }, index) => state === 'complete' || index === entries.length - 1);
}

test('what is recorded is read again, and an open entry only until the next one', (t) => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), fc.nat(8), (entries, moveAt) => {
      let journal = new Journal();
      for (const [index, each] of entries.entries()) {
        if (index === moveAt) journal = Journal.from(Buffer.from(journal.bytes));
        t.is(journal.record(each), 'recorded');
      }
      t.deepEqual([...readJournal(journal.bytes)], settled(entries));
      t.is(journal.isEmpty, entries.length === 0);
    }),
  );
});

test('what has travelled is not changed by what is recorded behind it', (t) => {
  const journal = new Journal();
  const make = (fill: number): JournalEntry => {
    return { state: 'complete', request: Buffer.alloc(900, fill), answerLength: fill, digest: Buffer.alloc(16, fill) };
  };
  for (let fill = 1; fill <= 20; fill++) {
    const before = journal.bytes;
    const copy = Buffer.from(before);
    journal.record(make(fill));
    t.deepEqual(before, copy);
  }
});

test('a journal that is full takes no more, and loses only its open entry', (t) => {
  const journal = new Journal();
  const digest = Buffer.alloc(DIGEST_LENGTH);
  const record = (state: JournalEntry['state'], length: number): string =>
    journal.record({ state, request: Buffer.alloc(length), answerLength: 0, digest });
  const headLength = 27;
  t.is(record('complete', LIMITS.journalLength - 2 * headLength - 10), 'recorded');
  t.true(journal.hasRoomFor(Buffer.alloc(10)));
  t.false(journal.hasRoomFor(Buffer.alloc(11)));
  t.is(record('open', 5), 'recorded');
  t.is(record('complete', 11), 'full');
  t.is([...readJournal(journal.bytes)].length, 1);
  t.is(record('complete', 10), 'recorded');
  t.is(journal.bytes.length, LIMITS.journalLength);
  journal.clear();
  t.true(journal.isEmpty);
  t.true(journal.hasRoomFor(Buffer.alloc(1000)));
});

test('a digest depends on the bytes and not on how they came', (t) => {
  const digestOf = (pieces: readonly Buffer[]): AnswerDigest => {
    const digest = new AnswerDigest();
    for (const piece of pieces) {
      digest.value(); // to ask for it changes nothing
      digest.add(piece);
    }
    return digest;
  };
  fc.assert(
    fc.property(fc.array(bytes(20), { maxLength: 6 }), (pieces) => {
      const whole = Buffer.concat(pieces);
      const [one, other] = [digestOf(pieces), digestOf(whole.length === 0 ? [] : [whole])];
      t.is(one.length, whole.length);
      if (pieces.every(({ length }) => length > 0)) t.deepEqual(one.value(), other.value());
      t.is(one.value().length, DIGEST_LENGTH);
      t.notDeepEqual(digestOf([...pieces, Buffer.of(1)]).value(), one.value());
    }),
  );
});
