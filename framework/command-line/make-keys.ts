// `migratory keys`: makes keys and certificates, writes them, and prints fingerprints, never a secret.

import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { makeAuthority, makeMemberCredentials, makeServiceKey, type Credentials } from './certificates.js';
import { CommandFailed, oneLine, STATUS } from './failure.js';
import { makeFolder, readNamed, writeFiles, type NamedText } from './file-store.js';
import type { Invocation, KeysOptions, MemberKeysOptions } from './invocation.js';
import type { Screen } from './screen.js';

type KeysInvocation = Extract<Invocation, { kind: `keys-${string}` }>;

const AUTHORITY_FILE = 'authority.pem';
const AUTHORITY_KEY_FILE = 'authority-key.pem';

/** Resolves with the exit status. Rejects with `CommandFailed`. */
export async function makeKeys(screen: Screen, asked: KeysInvocation, now: Date): Promise<number> {
  switch (asked.kind) {
    case 'keys-service':
      return makeService(screen, asked.options);
    case 'keys-authority': {
      const { output, days } = asked.options;
      const authority = await makeAuthority({ now, days });
      const names = [join(output, AUTHORITY_FILE), join(output, AUTHORITY_KEY_FILE)] as const;
      return writeCredentials(screen, 'authority', authority, names, asked.options);
    }
    case 'keys-member':
      return makeMember(screen, asked.options, now);
  }
}

function makeService(screen: Screen, options: KeysOptions): number {
  const { privateKey, publicKey } = makeServiceKey();
  const secretFile = join(options.output, 'service.pem');
  const publicFile = join(options.output, 'service-public.pem');
  write(options, [
    { path: secretFile, text: privateKey, secrecy: 'secret' },
    { path: publicFile, text: publicKey, secrecy: 'public' },
  ]);
  const encoded = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
  const digest = createHash('sha256').update(encoded).digest('hex').toUpperCase();
  screen.line(`service key   ${secretFile}, for every member of the service and nobody else`);
  screen.line(`public key    ${publicFile}, for clients that insist on it`);
  screen.line(`SHA-256       ${digest.replace(/..(?=.)/g, '$&:')}`);
  return STATUS.ok;
}

async function makeMember(screen: Screen, options: MemberKeysOptions, now: Date): Promise<number> {
  const { id, days, output } = options;
  const authority = {
    certificate: readNamed(join(options.authority, AUTHORITY_FILE)),
    privateKey: readNamed(join(options.authority, AUTHORITY_KEY_FILE)),
  };
  checkAuthority(options.authority, authority, now);
  let credentials: Credentials;
  try {
    credentials = await makeMemberCredentials(authority, id, { now, days });
  } catch (error) {
    throw new CommandFailed(`${options.authority}: the authority can't sign: ${oneLine(error)}`);
  }
  const names = [join(output, `member-${id}.pem`), join(output, `member-${id}-key.pem`)] as const;
  return writeCredentials(screen, `member ${id}`, credentials, names, options);
}

/** Throws `CommandFailed`: a certificate that nobody will accept is better not made. */
function checkAuthority(folder: string, { certificate, privateKey }: Credentials, now: Date): void {
  const authority = readCertificate(join(folder, AUTHORITY_FILE), certificate);
  if (!authority.ca) throw new CommandFailed(`${join(folder, AUTHORITY_FILE)}: it is no authority's certificate`);
  if (new Date(authority.validTo) <= now) {
    throw new CommandFailed(`${join(folder, AUTHORITY_FILE)}: it ended on ${authority.validTo}: make a new authority`);
  }
  let belongs = false;
  try {
    belongs = createPublicKey(privateKey).equals(authority.publicKey);
  } catch {
    throw new CommandFailed(`${join(folder, AUTHORITY_KEY_FILE)}: it is no private key in PEM`);
  }
  if (!belongs) throw new CommandFailed(`${join(folder, AUTHORITY_KEY_FILE)}: it is not the key of ${AUTHORITY_FILE}`);
}

function readCertificate(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new CommandFailed(`${path}: it is no certificate in PEM`);
  }
}

function writeCredentials(
  screen: Screen,
  what: string,
  { certificate, privateKey }: Credentials,
  [certificateFile, keyFile]: readonly [string, string],
  options: KeysOptions,
): number {
  write(options, [
    { path: certificateFile, text: certificate, secrecy: 'public' },
    { path: keyFile, text: privateKey, secrecy: 'secret' },
  ]);
  const { fingerprint256, validTo } = new X509Certificate(certificate);
  screen.line(`${what.padEnd(13)} ${certificateFile}, valid until ${validTo}`);
  screen.line(`private key   ${keyFile}`);
  screen.line(`SHA-256       ${fingerprint256}`);
  return STATUS.ok;
}

function write(options: KeysOptions, files: readonly NamedText[]): void {
  makeFolder(options.output);
  writeFiles(files, options.force === true ? 'replace' : 'refuse');
}
