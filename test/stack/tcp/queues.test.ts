// The three queues: what waits to be sent or acknowledged, what arrived ahead of a gap, and what waits to be read.

import test from 'ava';
import fc from 'fast-check';
import { insertPiece, takePiece, type OutOfOrderPiece } from '@migratory/stack/internal/tcp/reassembly.js';
import { emptyQueue, enqueue, release, sliceAtCursor, sliceAtHead } from '@migratory/stack/internal/tcp/send-queue.js';
import { appendUnread, showUnread, takeUnread } from '@migratory/stack/internal/tcp/unread.js';
import { patterned, Script } from '../../support/script.js';

test('property: any cut of the send queue gives the bytes that were written there', (t) => {
  const step = fc.record({
    write: fc.nat(40),
    acknowledge: fc.double({ min: 0, max: 1, noNaN: true }),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const property = fc.property(fc.nat(2 ** 40), fc.array(step, { minLength: 1, maxLength: 600 }), (start, steps) => {
    const queue = emptyQueue(start);
    let [head, end] = [start, start];
    for (const { write, acknowledge, from, length } of steps) {
      enqueue(queue, patterned(end, write));
      end += write;
      const offset = head + Math.floor((end - head) * from);
      const count = Math.floor((end - offset) * length);
      const wanted = Buffer.from(patterned(offset, count));
      if (!Buffer.concat(sliceAtCursor(queue, queue.fresh, offset, count)).equals(wanted)) throw new Error('cursor');
      if (!Buffer.concat(sliceAtHead(queue, offset, count)).equals(wanted)) throw new Error('head');
      head += Math.floor((end - head) * acknowledge * 0.3);
      release(queue, head);
    }
  });
  fc.assert(property, { numRuns: 60, includeErrorInReport: true });
  t.pass();
});

test('acknowledged chunks are let go, and the list does not grow without end', (t) => {
  const queue = emptyQueue(0);
  for (let index = 0; index < 10_000; index++) {
    enqueue(queue, patterned(index * 10, 10));
    release(queue, index * 10);
  }
  t.true(queue.chunks.length < 600);
  t.throws(() => sliceAtCursor(queue, queue.fresh, 99_990, 11), { message: /beyond the end/ });
});

test('property: pieces in any order and overlap come out once, in order', (t) => {
  const piece = fc.record({ offset: fc.nat(200), length: fc.nat(60) });
  const property = fc.property(
    fc.array(piece, { maxLength: 40 }),
    fc.integer({ min: 1, max: 50 }),
    (list, maxCount) => {
      const pieces: OutOfOrderPiece[] = [];
      const has = new Set<number>();
      let dropped = false;
      for (const { offset, length } of list) {
        insertPiece(pieces, offset, patterned(offset, length), maxCount);
        for (let at = offset; at < offset + length; at++) has.add(at);
        dropped ||= pieces.length === maxCount;
        if (pieces.length > maxCount) throw new Error('too many');
        for (const [index, one] of pieces.entries()) {
          const before = pieces[index - 1];
          if (before !== undefined && before.offset + before.bytes.length > one.offset) throw new Error('overlap');
          if (one.bytes.length === 0) throw new Error('empty');
        }
      }
      let next = 0;
      while (next < 300) {
        const bytes = takePiece(pieces, next);
        if (bytes === undefined) {
          if (!dropped && has.has(next)) throw new Error(`lost ${next}`);
          next++;
        } else {
          if (!Buffer.from(bytes).equals(Buffer.from(patterned(next, bytes.length)))) throw new Error('wrong bytes');
          next += bytes.length;
        }
      }
      if (pieces.length > 0) throw new Error('left over');
    },
  );
  fc.assert(property, { numRuns: 500, includeErrorInReport: true });
  t.pass();
});

test('property: unread chunks give the bytes as they came, and never change, whoever has been shown them', (t) => {
  const length = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 400, max: 600 }), fc.constant(4096));
  const step = fc.record({
    length,
    reads: fc.constantFrom(0, 0, 0, 0, 1, 100),
    copies: fc.constantFrom(false, false, true),
  });
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 300 }), (steps) => {
    let { receive } = Script.established().record;
    let [readOffset, end] = [0, 0];
    const shown: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
    for (const { length, reads, copies } of steps) {
      appendUnread(receive, patterned(end, length));
      end += length;
      let offset = readOffset;
      for (const bytes of showUnread(receive)) {
        shown.push({ offset, bytes });
        offset += bytes.length;
      }
      if (offset !== end) throw new Error('not all is there');
      const others = showUnread(receive).slice(0, -1);
      if (others.some(({ buffer, length }) => buffer.byteLength > length))
        throw new Error('more is kept than is unread');
      if (copies) receive = structuredClone(receive);
      for (let count = 0; count < reads; count++) readOffset += takeUnread(receive)?.length ?? 0;
      if (readOffset === end && receive.gathering !== undefined) throw new Error('room is kept');
    }
    for (const { offset, bytes } of shown) {
      if (!Buffer.from(bytes).equals(Buffer.from(patterned(offset, bytes.length))))
        throw new Error(`changed at ${offset}`);
    }
  });
  fc.assert(property, { numRuns: 100, includeErrorInReport: true });
  t.pass();
});
