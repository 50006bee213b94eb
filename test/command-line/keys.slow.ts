// Keys: only the owner can read the secret ones, nothing is overwritten, and members let each other in with them.

import { readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { credentialFindings } from '@migratory/framework/internal/command-line/credential-findings.js';
import { makeAuthority, makeMemberCredentials } from '@migratory/framework/certificates';
import { makeFolder, run } from './command.js';

const SECRETS = ['service.pem', 'authority-key.pem', 'member-7-key.pem'];
const PUBLIC = ['service-public.pem', 'authority.pem', 'member-7.pem'];

test('the three make all that a member needs, tell no secret, and replace nothing', async (t) => {
  const folder = await makeFolder(t);
  const calls = [
    ['keys', 'service', '--output', 'made'],
    ['keys', 'authority', '--output', 'made'],
    ['keys', 'member', '--id', '7', '--authority', 'made', '--output', 'made'],
  ];
  let told = '';
  for (const args of calls) {
    const { status, output, errors } = await run(t, folder, ...args);
    t.is(errors, '');
    t.is(status, 0);
    t.regex(output, /^SHA-256 +(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/m);
    told += output;
  }
  t.notRegex(told, /BEGIN|PRIVATE KEY/);
  const text = (name: string): Promise<string> => readFile(join(folder, 'made', name), 'utf8');
  for (const name of SECRETS) {
    t.is((await stat(join(folder, 'made', name))).mode & 0o777, 0o600, name);
    t.false(told.includes((await text(name)).split('\n')[1] ?? ''), name);
  }
  for (const name of PUBLIC) t.is((await stat(join(folder, 'made', name))).mode & 0o077, 0o044, name);

  const secrets = {
    id: 7,
    serviceKey: await text('service.pem'),
    certificateAuthority: await text('authority.pem'),
    certificate: await text('member-7.pem'),
    privateKey: await text('member-7-key.pem'),
  };
  t.deepEqual(
    credentialFindings(secrets, new Date()).filter(({ kind }) => kind !== 'ok'),
    [],
  );

  for (const args of calls) {
    const { status, errors } = await run(t, folder, ...args);
    t.is(status, 1);
    t.regex(errors, /^migratory: made\/[a-z0-9-]+\.pem: it exists already: say --force to replace it\n$/);
  }
  t.is(await text('service.pem'), secrets.serviceKey);
  const forced = await run(t, folder, ...(calls[0] ?? []), '--force');
  t.is(forced.status, 0);
  t.not(await text('service.pem'), secrets.serviceKey);
  t.is((await stat(join(folder, 'made/service.pem'))).mode & 0o777, 0o600);
});

test('an authority whose key is another one does not sign', async (t) => {
  const now = new Date();
  const [one, other] = await Promise.all([makeAuthority({ now, days: 1 }), makeAuthority({ now, days: 1 })]);
  const folder = await makeFolder(t, { 'authority.pem': one.certificate, 'authority-key.pem': other.privateKey });
  const args = ['keys', 'member', '--id', '1', '--authority', '.'];
  const { status, errors } = await run(t, folder, ...args);
  t.is(status, 1);
  t.is(errors, 'migratory: authority-key.pem: it is not the key of authority.pem\n');
  await writeFile(join(folder, 'authority-key.pem'), one.privateKey);
  t.is((await run(t, folder, ...args)).status, 0);
});

test('a member is valid no longer than its authority', async (t) => {
  const now = new Date();
  const authority = await makeAuthority({ now, days: 2 });
  const { certificate } = await makeMemberCredentials(authority, 1, { now, days: 300 });
  const { X509Certificate } = await import('node:crypto');
  t.is(new X509Certificate(certificate).validTo, new X509Certificate(authority.certificate).validTo);
});

test('what is in the way stays: a link to nothing is not removed', async (t) => {
  const folder = await makeFolder(t);
  await symlink('nowhere', join(folder, 'service.pem'));
  const { status, errors } = await run(t, folder, 'keys', 'service', '--output', '.');
  t.is(status, 1);
  t.regex(errors, /^migratory: .*service\.pem: .*exists[^\n]*\n$/);
  t.is(await readlink(join(folder, 'service.pem')), 'nowhere');
  t.false((await readdir(folder)).includes('service-public.pem'));
});

test('a folder that can not be made is an error, not a wait', async (t) => {
  const folder = await makeFolder(t);
  const { status, errors } = await run(t, folder, 'keys', 'service', '--output', '/proc/none/of/them');
  t.is(status, 1);
  t.regex(errors, /^migratory: \/proc\/none\/of\/them: can't be made: [^\n]+\n$/);
});
