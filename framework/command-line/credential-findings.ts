// The keys and certificates of one member: whether they fit each other, the member, and the time. Pure.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { memberNamed, serviceIdentity } from '@migratory/stack';
import { oneLine } from './failure.js';
import type { Finding } from './finding.js';

/** PEM texts, as the description of a member names them. */
export interface MemberSecrets {
  readonly id: number;
  readonly serviceKey: string;
  readonly certificateAuthority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SOON_DAYS = 30;

export function credentialFindings(secrets: MemberSecrets, now: Date): Finding[] {
  const findings = [serviceKeyFinding(secrets.serviceKey)];
  const certificate = read('certificate', secrets.certificate, findings);
  const authority = read('authority', secrets.certificateAuthority, findings);
  if (authority !== undefined) findings.push(validityFinding('authority', authority, now));
  if (certificate === undefined) return findings;
  findings.push(validityFinding('certificate', certificate, now));
  findings.push(nameFinding(certificate, secrets.id));
  findings.push(keyFinding(certificate, secrets.privateKey));
  if (authority !== undefined) findings.push(issuerFinding(certificate, authority));
  return findings;
}

function serviceKeyFinding(pem: string): Finding {
  const check = 'service key';
  try {
    serviceIdentity(pem);
    return { kind: 'ok', check, detail: 'Ed25519' };
  } catch (error) {
    return { kind: 'problem', check, detail: oneLine(error), remedy: 'make one with `migratory keys service`' };
  }
}

function read(check: string, pem: string, findings: Finding[]): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    findings.push({ kind: 'problem', check, detail: 'it is no certificate in PEM', remedy: `see \`migratory keys\`` });
    return undefined;
  }
}

function validityFinding(check: string, { validFrom, validTo }: X509Certificate, now: Date): Finding {
  const remedy =
    check === 'authority' ? 'make a new authority and new members' : 'make a new one: `migratory keys member`';
  if (new Date(validFrom) > now) {
    return { kind: 'problem', check, detail: `not valid before ${validFrom}`, remedy: 'look at the clock' };
  }
  const days = (new Date(validTo).getTime() - now.getTime()) / DAY_MS;
  if (days <= 0) return { kind: 'problem', check, detail: `not valid since ${validTo}`, remedy };
  const detail = `valid until ${validTo}`;
  if (days > SOON_DAYS) return { kind: 'ok', check, detail };
  return { kind: 'note', check, detail: `${detail}, ${Math.floor(days)} days from now`, remedy };
}

function nameFinding({ subjectAltName }: X509Certificate, id: number): Finding {
  const check = 'certificate name';
  const named = memberNamed(subjectAltName);
  if (named === id) return { kind: 'ok', check, detail: `member ${id}` };
  const detail = named === undefined ? 'it names no member' : `it is that of member ${named}, not ${id}`;
  return { kind: 'problem', check, detail, remedy: `make one with \`migratory keys member --id ${id}\`` };
}

function keyFinding(certificate: X509Certificate, privateKey: string): Finding {
  const check = 'private key';
  const remedy = 'use the pair that `migratory keys member` made together';
  try {
    if (certificate.checkPrivateKey(createPrivateKey(privateKey))) {
      return { kind: 'ok', check, detail: 'that of the certificate' };
    }
    return { kind: 'problem', check, detail: 'not that of the certificate', remedy };
  } catch {
    return { kind: 'problem', check, detail: 'it is no private key in PEM', remedy };
  }
}

function issuerFinding(certificate: X509Certificate, authority: X509Certificate): Finding {
  const check = 'issuer';
  if (certificate.verify(authority.publicKey)) {
    return { kind: 'ok', check, detail: 'the authority has signed the certificate' };
  }
  const remedy = 'give all members certificates of one authority';
  return { kind: 'problem', check, detail: 'the authority has not signed the certificate', remedy };
}
