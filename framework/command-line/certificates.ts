// Keys of a service: an authority of the cluster's own, a certificate for each member, and the key of the service itself.
//
// A member's certificate names it by the URI `urn:migratory:member:<id>`, which is what the members check of each other;
// host names prove nothing here. Nothing is written and no clock is read: what comes out are texts, and the caller says
// from when on they are valid.

// The certificate library's container needs it before anything else.
import 'reflect-metadata';
import { createHash, generateKeyPairSync, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of containers and hosts may differ a little. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;
const SERIAL_NUMBER_LENGTH = 16;

/** PEM texts. */
export interface Credentials {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Cluster {
  /** The authority's certificate, PEM; its key is forgotten once the members have theirs. */
  readonly certificateAuthority: string;
  readonly members: ReadonlyMap<number, Credentials>;
}

/** PEM texts of an Ed25519 key pair: PKCS #8 and SubjectPublicKeyInfo. */
export interface ServiceKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** From five minutes before `now` on, for clocks that differ. */
export interface Validity {
  readonly now: Date;
  readonly days: number;
}

/** The key with which a service signs its set-up records. */
export function makeServiceKey(): ServiceKey {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

/** An authority of its own, and a certificate with its key for each member id. */
export async function makeCluster(memberIds: Iterable<number>, validity: Validity): Promise<Cluster> {
  const authority = await makeAuthority(validity);
  const members = new Map<number, Credentials>();
  for (const id of memberIds) members.set(id, await makeMemberCredentials(authority, id, validity));
  return { certificateAuthority: authority.certificate, members };
}

/** Signs the certificates of members, and nothing else. */
export async function makeAuthority(validity: Validity): Promise<Credentials> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...datesOf(validity),
    serialNumber: await serialNumberOf(keys.publicKey),
    name: 'CN=Migratory authority',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return credentialsOf(certificate, keys);
}

/** A certificate for the member, which ends with the authority's at the latest. Rejects where the authority is none. */
export async function makeMemberCredentials(
  authority: Credentials,
  id: number,
  validity: Validity,
): Promise<Credentials> {
  const issuer = new X509Certificate(authority.certificate);
  const { notBefore, notAfter } = datesOf(validity);
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    notBefore,
    notAfter: notAfter > issuer.notAfter ? issuer.notAfter : notAfter,
    serialNumber: await serialNumberOf(keys.publicKey),
    subject: `CN=Migratory member ${id}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await importSigningKey(authority.privateKey),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([{ type: 'url', value: `urn:migratory:member:${id}` }]),
    ],
  });
  return credentialsOf(certificate, keys);
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function importSigningKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign']);
}

async function credentialsOf(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<Credentials> {
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: `${PemConverter.encode(privateKey, 'PRIVATE KEY')}\n`,
  };
}

/** Of the key, which is new each time: so is the number. Positive and without leading zeros, as DER has it. */
async function serialNumberOf(key: webcrypto.CryptoKey): Promise<string> {
  const encoded = new Uint8Array(await webcrypto.subtle.exportKey('spki', key));
  const digest = createHash('sha256').update(encoded).digest().subarray(0, SERIAL_NUMBER_LENGTH);
  digest[0] = ((digest[0] ?? 0) & 0x3f) | 0x40;
  return digest.toString('hex');
}

function datesOf({ now, days }: Validity): { readonly notBefore: Date; readonly notAfter: Date } {
  const start = now.getTime();
  return { notBefore: new Date(start - CLOCK_SKEW_MS), notAfter: new Date(start + days * DAY_MS) };
}
