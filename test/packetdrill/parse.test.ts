// The language: what it means, what is not in it, and that no text at all brings the runner down.

import test from 'ava';
import fc from 'fast-check';
import { NotExpressible } from './not-expressible.js';
import { segmentNotation } from './notation.js';
import { parseScript } from './parse.js';
import { runScript } from './run.js';

test('times', (t) => {
  const text = `0 close(3) = 0
+0 close(3) = 0
+.1 close(3) = 0
0.100 close(3) = 0
1...1.5 close(3) = 0
+0...0.25 close(3) = 0
+0~+0.2 > . 1:1(0)
0.1~0.2 > . 1:1(0)
* > . 1:1(0)`;
  t.deepEqual(
    parseScript(text).statements.map(({ when, action }) => [
      when,
      action.kind === 'call' ? action.call.endsMs : undefined,
    ]),
    [
      [{ kind: 'absolute', atMs: 0 }, undefined],
      [{ kind: 'relative', afterMs: 0 }, undefined],
      [{ kind: 'relative', afterMs: 100 }, undefined],
      [{ kind: 'absolute', atMs: 100 }, undefined],
      [{ kind: 'absolute', atMs: 1000 }, 1500],
      [{ kind: 'relative', afterMs: 0 }, 250],
      [{ kind: 'relative-range', fromMs: 0, untilMs: 200 }, undefined],
      [{ kind: 'absolute-range', fromMs: 100, untilMs: 200 }, undefined],
      [{ kind: 'any' }, undefined],
    ],
  );
});

test('segments read as they are written', (t) => {
  const lines = [
    'S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>',
    'S. 0:0(0) ack 1 win 5 <mss 1460,nop,nop,TS val 100 ecr 7,eol>',
    'FPU. 1:1001(1000) ack 1 win 257 urg 3',
    '. 4294967295:99(100) ack 4294967295 <sack 1001:2001 3001:4001,nop,nop>',
    '- 0:0(0)',
    'SEW 0:0(0) <...>',
    '[ect0] E. 1:1(0) ack 1',
  ];
  for (const line of lines) {
    const [statement] = parseScript(`* > ${line}`).statements;
    t.is(statement?.action.kind === 'expect' ? segmentNotation(statement.action.segment) : '', line);
  }
});

test('comments and header options are read, set-up commands kept', (t) => {
  const script = parseScript(`#!/usr/bin/env packetdrill
// one
/* two
   lines */ --tolerance_usecs=1000
--ip_version=ipv6 --define=NAME="a value"
\`../common/defaults.sh
sysctl -q net.ipv4.tcp_sack=1\`
0 close(3) = 0 // three
`);
  t.deepEqual(
    script.options.map(({ name, value, place }) => [name, value, place.line]),
    [
      ['tolerance_usecs', '1000', 4],
      ['ip_version', 'ipv6', 5],
      ['define', 'NAME="a value"', 5],
    ],
  );
  t.deepEqual(
    script.statements.map(({ action, place }) => [action.kind, place.line]),
    [
      ['shell', 6],
      ['call', 8],
    ],
  );
});

test('calls have their arguments, results and errors', (t) => {
  const text = `+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0x10 (flags O_RDWR)
+0 connect(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("10.0.0.1")}, ...) = -1 EINPROGRESS (In progress)`;
  const calls = parseScript(text).statements.flatMap(({ action }) => (action.kind === 'call' ? [action.call] : []));
  t.is(calls[0]?.arguments[3]?.kind, 'struct');
  t.deepEqual(calls[1]?.result, { kind: 'number', value: 16 });
  t.is(calls[1]?.failure, undefined);
  t.is(calls[2]?.failure, 'EINPROGRESS');
});

/** Text that is no script, where it stops being one, and why. */
const WRONG: readonly (readonly [string, number, number, RegExp])[] = [
  ['+0 > S 0:0', 1, 11, /expected '\(', found the end/],
  ['+0 > S 0:10(9)', 1, 8, /0:10 is not 9 bytes long/],
  ['\n +0 > Q 1:1(0)', 2, 7, /'Q' are no flags/],
  ['+0 < S 0:0(0) <mss>', 1, 19, /expected the MSS, found '>'/],
  ['+0 < S 0:0(0) <mss 70000>', 1, 20, /whole number from 0 to 65535/],
  ['+0 < S 0:0(0) <mptcp 1>', 1, 16, /TCP option 'mptcp'/],
  ['+0 < S 0:0(0) <...>', 1, 4, /is for segments that are expected/],
  ['* close(3) = 0', 1, 1, /is for segments that are expected/],
  ['+1~+0 > . 1:1(0)', 1, 1, /ends before it begins/],
  ['-1 close(3) = 0', 1, 1, /a time is not negative/],
  ['0 close(3', 1, 10, /expected '\)', found the end/],
  ['0 close(3) 0', 1, 12, /expected '=', found '0'/],
  ['0 `true', 1, 3, /backquotes that does not end/],
  ['0 write(3, "a) = 1', 1, 12, /quotes that does not end/],
  ['close(3) = 0', 1, 1, /expected a time, found 'close'/],
  ['+0 %{ assert tcpi_rto == 1 }%', 1, 4, /TCP_INFO/],
  ['+0 < udp (8)', 1, 6, /UDP/],
  ['+0 > [ttl 5] . 1:1(0)', 1, 6, /IP header \(ttl\)/],
  ['+0 < 1 > 2 S 0:0(0)', 1, 6, /ports/],
  ['+0 < icmp nonsense', 1, 11, /ICMP 'nonsense'/],
  ['+0 \u00e9', 1, 4, /a character that begins nothing/],
];

for (const [text, line, column, reason] of WRONG) {
  test(`not expressible: ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parseScript(text), { instanceOf: NotExpressible, message: reason });
    t.deepEqual([error.line, error.column], [line, column]);
    t.is(runScript(text).kind, 'not-expressible');
  });
}

/** What would need more than a TCP, by the reason. */
const UNABLE: readonly (readonly [string, RegExp])[] = [
  ['--unheard_of=1', /the option --unheard_of/],
  ['--mtu=none', /--mtu wants a whole number/],
  ['`sysctl -q net.ipv4.tcp_fastopen=1`', /tcp_fastopen=1/],
  ['`make me a sandwich`', /the command 'make'/],
  ['0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3', /not SOCK_STREAM/],
  ['0 socket(..., SOCK_STREAM, IPPROTO_MPTCP) = 3', /not TCP/],
  ['0 epoll_create(1) = 3', /system call epoll_create/],
  ['0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_CORK, [1], 4) = 0', /TCP_CORK/],
];

for (const [text, reason] of UNABLE) {
  test(`names what it can't do: ${text}`, (t) => {
    const verdict = runScript(text);
    t.is(verdict.kind, 'not-expressible');
    if (verdict.kind === 'not-expressible') t.regex(verdict.reason, reason);
  });
}

test('a sysctl in the middle of a script is not expressible, unless it makes no difference', (t) => {
  const open = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n';
  t.is(runScript(`${open}+0 \`sysctl -q net.ipv4.tcp_sack=0\``).kind, 'not-expressible');
  t.is(runScript(`${open}+0 \`sysctl -q net.ipv4.tcp_wmem=4096\``).kind, 'pass');
});

const words = fc.constantFrom(
  ...'0 +0 +.1 * ~ ... < > S S. . P. F. R - 0:0(0) 1:1001(1000) ack win urg 1 257 <mss , nop sackOK wscale TS val ecr sack'.split(
    ' ',
  ),
  ...'icmp unreachable frag_needed mtu [1:2(1)] socket( bind(3 listen(3 accept(3 connect(3 write(4 read(4 close(3 close(4'.split(
    ' ',
  ),
  ...', ) = 3 4 -1 EAGAIN SOCK_STREAM IPPROTO_TCP {onoff=1,linger=0} [1] `true` %{ }% " // /* */ \n --mtu=1500'.split(
    ' ',
  ),
);

test('whatever is written gives a verdict', (t) => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(words, { maxLength: 60 }).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(texts, (text) => ['pass', 'fail', 'not-expressible'].includes(runScript(text).kind)),
    { numRuns: 1000 },
  );
  t.pass();
});

test('a script of which a part was lost or came twice gives a verdict, and no exception of ours', (t) => {
  const lines = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.1 < F. 1:1(0) ack 5001 win 257
+0 > . 5001:5001(0) ack 2
+0 read(4, ..., 10) = 0
+0 close(4) = 0
+0 > F. 5001:5001(0) ack 2
+.1 < . 2:2(0) ack 5002 win 257`.split('\n');
  fc.assert(
    fc.property(fc.array(fc.nat({ max: lines.length - 1 }), { maxLength: 30 }), (chosen) => {
      const verdict = runScript(chosen.map((index) => lines[index]).join('\n'));
      return verdict.kind !== 'fail' || !verdict.reason.startsWith('an exception');
    }),
    { numRuns: 500 },
  );
  t.pass();
});
