// Certificates for the demo and the tests, made on the spot: an authority of the cluster's own, and a leaf for each member.
//
// A leaf names its member by the URI `urn:migratory:member:<id>`, which is what the members check of each other. Everything
// is valid for a day and is never written to a disk that outlives the demo; a real cluster brings certificates of its own.

// The certificate library's container needs it before anything else.
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const VALIDITY_MS = 24 * 60 * 60 * 1000;
/** Clocks of containers and hosts may differ a little. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;

/** PEM texts. */
export interface MemberCredentials {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Cluster {
  /** The authority's certificate, PEM; its key is forgotten once the members have theirs. */
  readonly certificateAuthority: string;
  readonly members: ReadonlyMap<number, MemberCredentials>;
}

/** PEM texts of an Ed25519 key pair: PKCS #8 and SubjectPublicKeyInfo. */
export interface ServiceKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** An authority of its own, and a certificate with its key for each member id. */
export async function makeCluster(memberIds: Iterable<number>): Promise<Cluster> {
  const keys = await makeKeys();
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=Migratory development authority',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const members = new Map<number, MemberCredentials>();
  for (const member of memberIds) members.set(member, await makeMember(authority, keys.privateKey, member));
  return { certificateAuthority: authority.toString('pem'), members };
}

/** The key with which a service signs its set-up records. */
export function makeServiceKey(): ServiceKey {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

async function makeMember(
  authority: X509Certificate,
  signingKey: webcrypto.CryptoKey,
  member: number,
): Promise<MemberCredentials> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    subject: `CN=Migratory member ${member}`,
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'url', value: `urn:migratory:member:${member}` },
      ]),
    ],
  });
  const privateKey = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { certificate: certificate.toString('pem'), privateKey };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now();
  // A leading 00 to 7f: serial numbers are positive.
  const serialNumber = `0${randomBytes(8).toString('hex').slice(1)}`;
  return { serialNumber, notBefore: new Date(now - CLOCK_SKEW_MS), notAfter: new Date(now + VALIDITY_MS) };
}
