// Every script of ours against our TCP, and that a script can fail.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { runScript } from './run.js';

const folder = fileURLToPath(new URL('../../packetdrill/scripts/', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.pkt'));

for (const name of names) {
  test(name, (t) => {
    t.deepEqual(runScript(readFileSync(folder + name, 'utf8')), { kind: 'pass' });
  });
}

test('the scripts are found', (t) => {
  t.true(names.length >= 25);
});

const OPEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
`;

/** What is wrong, by the statement that says so; each comes in line 8. */
const FAILURES: readonly (readonly [string, RegExp])[] = [
  ['+0 > . 1:1(0) ack 1', /expected \. 1:1\(0\) ack 1, nothing came by 0\.100/],
  ['+0 write(4, ..., 10) = 9', /write returned 10, not 9/],
  ['+0 read(4, ..., 10) = 10', /read would wait here/],
  ['+0...0.5 read(4, ..., 10) = 10', /read has not returned by 0\.604/],
  ['+0 read(5, ..., 10) = 10', /returned -1 EBADF, not 10/],
  ['+0 ioctl(4, SIOCINQ, [7]) = 0', /SIOCINQ gives 0/],
];

for (const [statement, reason] of FAILURES) {
  test(`fails: ${statement}`, (t) => {
    const verdict = runScript(OPEN + statement);
    t.is(verdict.kind, 'fail');
    if (verdict.kind === 'fail') {
      t.is(verdict.line, 8);
      t.regex(verdict.reason, reason);
    }
  });
}

/** What a segment of ours is told apart by: `P. 1:101(100) ack 1 win 65535` without options. */
const DIFFERENCES: readonly (readonly [string, RegExp])[] = [
  ['+0 > . 1:101(100) ack 1', /flags P\., not \./],
  ['+0 > P. 2:102(100) ack 1', /sequence 1, not 2/],
  ['+0 > P. 1:100(99) ack 1', /length 100, not 99/],
  ['+0 > P. 1:101(100) ack 2', /acknowledgment 1, not 2/],
  ['+0 > P. 1:101(100) ack 1 win 7', /window 65535, not 7/],
  ['+0 > PU. 1:101(100) ack 1 urg 5', /urgent pointer none, not 5/],
  ['+0 > P. 1:101(100) ack 1 <nop,nop,TS val 1 ecr 2>', /without TS val 1 ecr 2/],
  ['+.01 > P. 1:101(100) ack 1', /time 0\.100, not 0\.110/],
];

for (const [statement, reason] of DIFFERENCES) {
  test(`is not what came: ${statement}`, (t) => {
    const verdict = runScript(`${OPEN}+0 write(4, ..., 100) = 100\n${statement}`);
    t.is(verdict.kind, 'fail');
    if (verdict.kind === 'fail') t.regex(verdict.reason, reason);
  });
}

test('an option that is not expected is a difference', (t) => {
  const verdict = runScript(OPEN.replace('> S. 0:0(0) ack 1 <mss 1460>', '> S. 0:0(0) ack 1'));
  t.is(verdict.kind, 'fail');
  if (verdict.kind === 'fail') t.regex(verdict.reason, /with mss 1460/);
});

test('a time that is only just missed is within the tolerance, and `<...>` is any options', (t) => {
  const script = `${OPEN.replace('<mss 1460>', '<...>')}+0 write(4, ..., 100) = 100\n`;
  t.is(runScript(`${script}+.004 > P. 1:101(100) ack 1`).kind, 'pass');
  t.is(runScript(`--tolerance_usecs=9000\n${script}+.009 > P. 1:101(100) ack 1`).kind, 'pass');
  t.is(runScript(`${script}* > P. 1:101(100) ack 1`).kind, 'pass');
  t.is(runScript(`${script}0.09~0.11 > P. 1:101(100) ack 1`).kind, 'pass');
});
