// Input that no correct client sends, each kind with what it is; what the real server answers to it is the measure.

import { int16, int32, lyingMessage, message, query, startup, SYNC, text } from './raw-client.js';

export interface MalformedInput {
  readonly name: string;
  readonly bytes: Buffer;
}

const input = (name: string, ...parts: readonly Buffer[]): MalformedInput => ({ name, bytes: Buffer.concat(parts) });

const MAX_INT32 = 0x7fff_ffff;
const TWO_GIB = 0x8000_0000;
const LETTERS = ['Q', 'P', 'B', 'D', 'E', 'C', 'H', 'S', 'F', 'd', 'c', 'f', 'p', 'X'] as const;

/** Sent instead of a startup packet. */
export const MALFORMED_STARTUPS: readonly MalformedInput[] = [
  ...[0, 3, 4, 7, -1, MAX_INT32, TWO_GIB, 10_001].map((length) =>
    input(`a startup packet of length ${length}`, int32(length), int32(196_608)),
  ),
  input('a startup packet without an end', int32(17), int32(196_608), text('user'), Buffer.from('post')),
  input('a startup packet without a user', startup({ database: 'postgres' })),
  input('a startup packet with an empty user', startup({ user: '' })),
  input('a startup packet with a name and no value', int32(14), int32(196_608), text('user'), Buffer.alloc(1)),
  input('a startup packet with an unknown setting', startup({ user: 'postgres', nonsense: '1' })),
  input('a startup packet with a bad setting', startup({ user: 'postgres', work_mem: 'much' })),
  input('a startup packet of protocol 2', startup({ user: 'postgres' }, 131_072)),
  input('a startup packet of protocol 4', startup({ user: 'postgres' }, 262_144)),
  input('a database that is not there', startup({ user: 'postgres', database: 'never_there' })),
  input('a query before the startup packet', query('SELECT 1')),
  input('a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')),
  input('a cancel request that is too short', int32(12), int32(80_877_102), int32(1)),
  input('zeros', Buffer.alloc(64)),
];

const COPY = query('COPY malformed FROM STDIN');
const EXTENDED_COPY = [
  message('P', text(''), text('COPY malformed FROM STDIN'), int16(0)),
  message('B', text(''), text(''), int16(0), int16(0), int16(0)),
  message('E', text(''), int32(0)),
  message('H'),
];
const LENGTHS = [0, 3, -1, -MAX_INT32, MAX_INT32];

/** Sent after a login, with a Sync and a query behind it. */
export const MALFORMED_MESSAGES: readonly MalformedInput[] = [
  ...LENGTHS.map((length) => input(`a query of length ${length}`, lyingMessage('Q', length, text('SELECT 1')))),
  ...LETTERS.filter((letter) => letter !== 'Q').flatMap((letter) => [
    input(`${letter} of length 3`, lyingMessage(letter, 3)),
    input(`${letter} of length ${MAX_INT32}`, lyingMessage(letter, MAX_INT32, text('something'))),
  ]),
  ...['z', '\0', '\xff', '1', 'Z', 'T', 'G'].map((letter) =>
    input(`a message of the type ${JSON.stringify(letter)}`, message(letter, text('something'))),
  ),
  input('a query without an end', message('Q', Buffer.from('SELECT 1'))),
  input('a query with bytes behind its end', message('Q', text('SELECT 1'), text('more'))),
  input('a query that is no UTF-8', message('Q', Buffer.from("SELECT '\xff\xfe'", 'latin1'), Buffer.alloc(1))),
  input('an empty query message', message('Q')),
  input('an empty query string', message('Q', text(''))),
  input('Sync with a body', message('S', text('something'))),
  input('Flush with a body', message('H', text('something'))),
  input('Parse without anything', message('P')),
  input('Parse without a count', message('P', text('s'), text('SELECT 1'))),
  input('Parse with a count that is too high', message('P', text('s'), text('SELECT $1'), int16(5), int32(23))),
  input('Parse with a count that is too low', message('P', text('s'), text('SELECT 1'), int16(0), int32(23))),
  input('Parse with more parameters than there are', message('P', text(''), text('SELECT 1'), int16(0xffff))),
  input('Bind without anything', message('B')),
  input('Bind to no statement', message('B', text(''), text('none'), int16(0), int16(0), int16(0))),
  ...bindsThatLie(),
  input('Describe without anything', message('D')),
  input('Describe of an unknown kind', message('D', Buffer.from('X'), text('s'))),
  input('Describe of no statement', message('D', Buffer.from('S'), text('none'))),
  input('Describe of no portal', message('D', Buffer.from('P'), text('none'))),
  input('Execute without anything', message('E')),
  input('Execute without a count', message('E', text(''))),
  input('Execute of no portal', message('E', text('none'), int32(0))),
  input('Close of an unknown kind', message('C', Buffer.from('X'), text('s'))),
  input('Close without anything', message('C')),
  input('Close of nothing', message('C', Buffer.from('S'), text('none'))),
  input('CopyData without a COPY', message('d', Buffer.from('1\n'))),
  input('CopyDone without a COPY', message('c')),
  input('CopyFail without a COPY', message('f', text('why'))),
  input('a password after the login', message('p', text('secret'))),
  input('a function call without anything', message('F')),
  input('a function call of no function', message('F', int32(0), int16(0), int16(0), int16(0))),
  input('a query in the middle of a COPY', COPY, query('SELECT 1'), message('c')),
  input('a query among the data of a COPY', COPY, message('d', Buffer.from('1\n')), query('SELECT 1'), message('c')),
  input(
    'a query behind data that a COPY refuses',
    COPY,
    message('d', Buffer.from('x\n')),
    message('c'),
    query('SELECT 2'),
  ),
  input('a query in the middle of a COPY in a transaction', query('BEGIN'), COPY, query('SELECT 1'), message('c')),
  input(
    'Parse in the middle of a COPY of the extended protocol',
    ...EXTENDED_COPY,
    message('P', text(''), text(''), int16(0)),
  ),
  input('Terminate in the middle of a COPY', COPY, message('X')),
  input('a password in the middle of a COPY', COPY, message('p', text('secret'))),
  input('an unknown message in the middle of a COPY', COPY, message('z'), message('c')),
  input('CopyData of length 3 in the middle of a COPY', COPY, lyingMessage('d', 3), message('c')),
  input('CopyDone of length 2^31-1 in the middle of a COPY', COPY, lyingMessage('c', MAX_INT32, text('something'))),
  input('CopyFail', COPY, message('f', text('changed my mind'))),
  input('CopyFail without an end', COPY, message('f', Buffer.from('why'))),
  input('Sync in the middle of a COPY', COPY, SYNC, message('c')),
  input('a startup packet after the login', startup({ user: 'postgres' })),
];

function bindsThatLie(): MalformedInput[] {
  const parsed = message('P', text(''), text('SELECT $1::int4'), int16(0));
  const bind = (name: string, ...parts: readonly Buffer[]): MalformedInput =>
    input(`Bind with ${name}`, parsed, message('B', text(''), text(''), ...parts));
  const one = Buffer.concat([int16(1), int32(1), Buffer.from('7')]);
  return [
    bind('more formats than there are', int16(0xffff), int16(0)),
    bind('formats that fit no parameter', int16(2), int16(0), int16(0), one, int16(0)),
    bind('an unknown format', int16(1), int16(9), one, int16(0)),
    bind('no parameter', int16(0), int16(0), int16(0)),
    bind('two parameters', int16(0), int16(2), int32(1), Buffer.from('7'), int32(1), Buffer.from('8'), int16(0)),
    bind('more parameters than there are', int16(0), int16(0xffff), int32(1), Buffer.from('7'), int16(0)),
    bind('a value that is longer than its message', int16(0), int16(1), int32(1000), Buffer.from('7'), int16(0)),
    bind('a value of negative length', int16(0), int16(1), int32(-2), Buffer.from('7'), int16(0)),
    bind('a value of 2^31-1 bytes', int16(0), int16(1), int32(MAX_INT32), Buffer.from('7'), int16(0)),
    bind('more result formats than there are', int16(0), one, int16(5), int16(0)),
    bind('an unknown result format', int16(0), one, int16(1), int16(9)),
    bind('bytes behind its end', int16(0), one, int16(0), text('more')),
    bind('a binary value of the wrong length', int16(1), int16(1), one, int16(0)),
  ];
}
