// Set-up records that are cut, changed, signed by somebody else, or that never come.

import { createHmac } from 'node:crypto';
import test from 'ava';
import type { CloseReason } from '@migratory/stack/internal/migration/record.js';
import { CLIENT_RECORD_LENGTH, MAX_RECORD_LENGTH } from '@migratory/stack/internal/migration/setup-record.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from '../../support/bytes.js';
import { CLIENT, HostBench, type BenchOptions, type End } from '../../support/host-bench.js';
import { testServicePublicKey } from '../../support/stack-world.js';

function withPayload(segment: Segment, payload: Uint8Array): Segment {
  return { ...segment, payload: payload.length === 0 ? [] : [payload], payloadLength: payload.length };
}

/** A connection whose set-up record from `side` is replaced; whatever that side sends again is lost. */
function changed(
  side: 'client' | 'server',
  change: (record: Buffer) => Uint8Array,
  options: BenchOptions = {},
): { bench: HostBench; client: End; recordLength: number } {
  const bench = new HostBench(options);
  let recordLength = 0;
  bench.intercept = ({ from, segment }) => {
    if ((from.ip === CLIENT.ip) !== (side === 'client') || segment.payloadLength === 0) return segment;
    if (recordLength > 0) return undefined;
    recordLength = segment.payloadLength;
    return withPayload(segment, change(Buffer.concat(segment.payload)));
  };
  const client = bench.connect();
  bench.advance(20_000);
  return { bench, client, recordLength };
}

function closeReason({ events }: End): CloseReason | undefined {
  return events.find((event) => event.kind === 'closed')?.reason;
}

test('the client’s record, cut at any byte: the server waits setUpTimeoutMs, then resets; nobody was served', (t) => {
  for (let length = 0; length < CLIENT_RECORD_LENGTH; length++) {
    const { bench, client } = changed('client', (record) => record.subarray(0, length));
    t.is(bench.accepted.length, 0);
    t.is(bench.member(1).connectionCount, 0, `${length} bytes`);
    t.not(closeReason(client), undefined);
  }
});

test('a client’s record that is garbage, too long or of another version ends in a reset at once', (t) => {
  const garbage: ((record: Buffer) => Uint8Array)[] = [
    () => Buffer.from('GET / HTTP/1.1\r\nHost: files.example\r\n\r\n'),
    () => pattern(200),
    () => new Uint8Array(200),
    (record) => (record.writeUInt16BE(MAX_RECORD_LENGTH + 1), record),
    (record) => (record.writeUInt16BE(CLIENT_RECORD_LENGTH - 1), record),
    (record) => (record.writeUInt8(2, 3), record),
    (record) => (record.writeUInt8(2, 2), record),
    (record) => (record.writeUInt8(9, 2), record),
  ];
  for (const change of garbage) {
    const { bench, client } = changed('client', change);
    t.is(bench.accepted.length, 0);
    t.is(bench.member(1).connectionCount, 0);
    t.is(closeReason(client), 'reset');
  }
});

/** Points of X25519 that give everybody the same secret (RFC 7748 section 6.1). */
const LOW_ORDER_POINTS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

test('a public key of low order is refused by the server', (t) => {
  for (const point of LOW_ORDER_POINTS) {
    const { bench, client } = changed('client', (record) => (record.set(Buffer.from(point, 'hex'), 4), record));
    t.is(bench.accepted.length, 0, point);
    t.is(closeReason(client), 'reset', point);
  }
});

test('the server’s record with any byte changed fails at the client: it is signed', (t) => {
  const { recordLength } = changed('server', (record) => record);
  t.true(recordLength > 150);
  for (let index = 0; index < recordLength; index++) {
    const { client } = changed('server', (record) => {
      record[index] = (record[index] ?? 0) ^ 0x04;
      return record;
    });
    if (closeReason(client) !== 'set-up-failed') return t.fail(`byte ${index}: ${closeReason(client)}`);
    if (client.events.some(({ kind }) => kind === 'ready')) return t.fail(`byte ${index} was taken`);
  }
});

test('the server’s record, cut at any byte, fails at the client after setUpTimeoutMs', (t) => {
  const { recordLength } = changed('server', (record) => record);
  for (let length = 0; length < recordLength; length += 3) {
    const { client } = changed('server', (record) => record.subarray(0, length));
    if (closeReason(client) !== 'set-up-failed') return t.fail(`${length} bytes: ${closeReason(client)}`);
  }
  t.pass();
});

test('a server’s record that is garbage or too long fails at the client', (t) => {
  for (const change of [
    () => Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    () => pattern(1_400),
    (record: Buffer) => (record.writeUInt16BE(MAX_RECORD_LENGTH + 1), record),
    (record: Buffer) => Buffer.concat([record.subarray(0, 4), record]),
  ]) {
    const { client } = changed('server', change);
    t.is(closeReason(client), 'set-up-failed');
  }
});

test('a client that insists on a service key takes no other, and nobody without one', (t) => {
  const right = new HostBench();
  const accepted = right.connect({ serviceKey: testServicePublicKey() });
  right.advance(100);
  t.true(accepted.events.some(({ kind }) => kind === 'ready'));
  const wrong = new HostBench();
  const refused = wrong.connect({ serviceKey: testServicePublicKey(8) });
  wrong.advance(100);
  t.is(closeReason(refused), 'set-up-failed');
});

test('required fails at a plain server, preferred goes without; a lost option is as good as none', (t) => {
  for (const listen of ['off', 'offered'] as const) {
    for (const migration of ['required', 'preferred'] as const) {
      const bench = new HostBench({ listen });
      // A middlebox that strips options it does not know.
      bench.intercept = ({ segment }) => {
        const { migrate, ...others } = segment.options;
        return migrate === undefined || listen === 'off' ? segment : { ...segment, options: others };
      };
      const client = bench.connect({ migration });
      bench.advance(1_000);
      if (migration === 'required') {
        t.is(closeReason(client), 'not-migratory');
        t.is(bench.member(1).connectionCount, 0);
      } else {
        const server = bench.accepted.at(-1);
        t.is(client.connection.record.phase.kind, 'plain');
        if (server !== undefined) t.true(bench.exchanges(client, server));
      }
    }
  }
});

test('the keys of two connections differ, and so do their cids', (t) => {
  const bench = new HostBench();
  const proofs = [1, 2, 3].map((port) => {
    const { connection } = bench.connect({}, { ip: CLIENT.ip, port });
    bench.advance(100);
    const { phase } = connection.record;
    if (phase.kind !== 'settled') throw new Error('not settled');
    return [phase.identity.cid, createHmac('sha256', phase.identity.key).digest('hex')];
  });
  t.is(new Set(proofs.flat()).size, 6);
});

test('the end of the stream during set-up closes it', (t) => {
  const bench = new HostBench();
  bench.intercept = ({ from, segment }) => {
    if (from.ip !== CLIENT.ip || segment.payloadLength === 0) return segment;
    return { ...withPayload(segment, new Uint8Array(0)), flags: segment.flags | FLAG.fin };
  };
  bench.connect();
  bench.advance(1_000);
  t.is(bench.accepted.length, 0);
  t.is(bench.member(1).connectionCount, 0);
});
