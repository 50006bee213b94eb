// Who a member is: its certificate, signed by the cluster's own authority, has the URI `urn:migratory:member:<id>` among
// its subject alternative names. Host names prove nothing here, and there is no mode without TLS.

import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { MemberId } from '../wire/migrate-options.js';
import { PeerCredentialsInvalid } from './peer-events.js';

/** PEM texts. */
export interface PeerCredentials {
  readonly certificateAuthority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const MEMBER_NAME = /^URI:urn:migratory:member:([1-9]\d{0,4})$/;
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/**
 * The member that a certificate names; undefined for none or more than one. `subjectAltName` is in Node's text form, where
 * a name with special characters is quoted: quoted ones are left out first, since they may contain anything.
 */
export function memberNamed(subjectAltName: string | undefined): MemberId | undefined {
  const members = (subjectAltName ?? '')
    .replace(QUOTED, '')
    .split(', ')
    .map((name) => Number(MEMBER_NAME.exec(name)?.[1]))
    .filter((member) => member <= 0xffff);
  return members.length === 1 ? members[0] : undefined;
}

/** For both directions: TLS 1.3 and nothing else, only certificates of the cluster's authority, no resumed sessions. */
export function peerTlsOptions(member: MemberId, credentials: PeerCredentials): SecureContextOptions {
  if (memberNamed(certificateOf(credentials).subjectAltName) !== member) {
    throw new PeerCredentialsInvalid(`the certificate is not that of member ${member}`);
  }
  const options: SecureContextOptions = {
    ca: credentials.certificateAuthority,
    cert: credentials.certificate,
    key: credentials.privateKey,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // A resumed session would skip the look at the certificate.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new PeerCredentialsInvalid(errorCode(error));
  }
  return options;
}

function certificateOf(credentials: PeerCredentials): X509Certificate {
  try {
    return new X509Certificate(credentials.certificate);
  } catch {
    throw new PeerCredentialsInvalid('the certificate cannot be read');
  }
}

/** The code of a system's or TLS's error. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
