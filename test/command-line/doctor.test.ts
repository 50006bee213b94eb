// The doctor's judgement: what the facts of a machine and the keys of a member mean.

import test from 'ava';
import { machineFindings, type MachineFacts } from '@migratory/framework/internal/command-line/machine-findings.js';
import { credentialFindings } from '@migratory/framework/internal/command-line/credential-findings.js';
import { makeAuthority, makeMemberCredentials, makeServiceKey } from '@migratory/framework/certificates';
import { makeFolder, run } from './command.js';

const WELL: MachineFacts = {
  nodeVersion: '20.19.0',
  networkAdministrator: true,
  tunDevice: { kind: 'done' },
  udpBind: { port: undefined, attempt: { kind: 'done' } },
  roundTripMs: 0.4,
  receiveBuffer: { length: 4_194_304, maximumLength: 4_194_304 },
  clocks: { resolutionMs: 0.0001, monotonicMs: 50, wallMs: 50, year: 2027 },
  openFileLimit: 65_536,
};

const facts: [what: string, change: Partial<MachineFacts>, check: string, kind: 'note' | 'problem'][] = [
  ['an old Node', { nodeVersion: '20.18.3' }, 'node', 'problem'],
  ['a much older Node', { nodeVersion: '18.20.0' }, 'node', 'problem'],
  [
    'a port in use',
    { udpBind: { port: 7000, attempt: { kind: 'failed', code: 'EADDRINUSE' } } },
    'udp port',
    'problem',
  ],
  ['no loopback', { roundTripMs: undefined }, 'udp loopback', 'problem'],
  ['a slow machine', { roundTripMs: 200 }, 'udp loopback', 'note'],
  ['a small buffer', { receiveBuffer: { length: 212_992, maximumLength: 212_992 } }, 'receive buffer', 'note'],
  ['a coarse clock', { clocks: { ...WELL.clocks, resolutionMs: 16 } }, 'monotonic clock', 'note'],
  ['a clock that was never set', { clocks: { ...WELL.clocks, year: 1970 } }, 'wall clock', 'problem'],
  ['a clock that ran backwards', { clocks: { ...WELL.clocks, wallMs: -3 } }, 'wall clock', 'problem'],
  ['a clock that is being set', { clocks: { ...WELL.clocks, wallMs: 3000 } }, 'wall clock', 'note'],
  ['few open files', { openFileLimit: 64 }, 'open files', 'problem'],
  ['some open files', { openFileLimit: 1024 }, 'open files', 'note'],
  ['no TUN device', { tunDevice: { kind: 'failed', code: 'ENOENT' } }, 'tun device', 'note'],
  ['no privileges', { networkAdministrator: false }, 'CAP_NET_ADMIN', 'note'],
];

test('nothing is said of a machine that is well', (t) => {
  t.deepEqual(
    machineFindings(WELL).filter(({ kind }) => kind !== 'ok'),
    [],
  );
});

for (const [what, change, check, kind] of facts) {
  test(`${what} is a ${kind}, and nothing else is`, (t) => {
    const told = machineFindings({ ...WELL, ...change }).filter((finding) => finding.kind !== 'ok');
    t.deepEqual(
      told.map((finding) => [finding.check, finding.kind]),
      [[check, kind]],
    );
  });
}

const NOW = new Date('2027-01-15T12:00:00Z');
const DAY_MS = 86_400_000;
const daysFromNow = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);

const keys: [what: string, at: Date, told: readonly [check: string, kind: string][]][] = [
  ['fresh keys', NOW, []],
  ['a certificate that ends soon', daysFromNow(75), [['certificate', 'note']]],
  ['a certificate that has ended', daysFromNow(101), [['certificate', 'problem']]],
  [
    'a clock of last year',
    daysFromNow(-365),
    [
      ['authority', 'problem'],
      ['certificate', 'problem'],
    ],
  ],
];

for (const [what, at, told] of keys) {
  test(`${what}: ${told.length === 0 ? 'all is well' : told.map((each) => each.join(' ')).join(', ')}`, async (t) => {
    const authority = await makeAuthority({ now: NOW, days: 1000 });
    const { certificate, privateKey } = await makeMemberCredentials(authority, 4, { now: NOW, days: 100 });
    const serviceKey = makeServiceKey().privateKey;
    const secrets = { id: 4, serviceKey, certificateAuthority: authority.certificate, certificate, privateKey };
    const findings = credentialFindings(secrets, at).filter(({ kind }) => kind !== 'ok');
    t.deepEqual(
      findings.map(({ check, kind }) => [check, kind]),
      told.map((each) => [...each]),
    );
  });
}

test('keys that do not fit each other are problems, each by its name', async (t) => {
  const [authority, other] = await Promise.all([
    makeAuthority({ now: NOW, days: 9 }),
    makeAuthority({ now: NOW, days: 9 }),
  ]);
  const { certificate, privateKey } = await makeMemberCredentials(other, 5, { now: NOW, days: 9 });
  const secrets = {
    id: 4,
    serviceKey: privateKey,
    certificateAuthority: authority.certificate,
    certificate,
    privateKey: authority.privateKey,
  };
  const problems = credentialFindings(secrets, NOW).filter(({ kind }) => kind === 'problem');
  t.deepEqual(
    problems.map(({ check }) => check),
    ['service key', 'certificate name', 'private key', 'issuer'],
  );
});

test('this machine can run a member', async (t) => {
  const { status, output, errors } = await run(t, await makeFolder(t), 'doctor', '--json');
  t.is(errors, '');
  t.is(status, 0, output);
  t.true((JSON.parse(output) as { ok: boolean }).ok);
});
