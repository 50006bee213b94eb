// The client's side of SCRAM-SHA-256, for tests: written from RFC 5802 alone, and able to say whatever a test wants it to.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { Beginning, Exchange, Outcome } from '@migratory/pg-frontend/internal/authentication/scram-exchange.js';

export const CLIENT_NONCE = 'rOprNGfwEbeRWgbNEkqO';
export const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';

export interface Login {
  /** As it goes into PBKDF2. */
  readonly password: string;
  readonly clientFirst: string;
  /** Before the proof; `c=biws,r=<nonce>` unless told otherwise. */
  readonly finalWithoutProof?: string;
}

export interface ClientFinal {
  readonly message: string;
  /** What server-final has to be. */
  readonly expected: string;
}

/** `n,,n=,r=<nonce>` */
export function clientFirst(nonce = CLIENT_NONCE, flag: 'n' | 'y' = 'n', name = ''): string {
  return `${flag},,n=${name},r=${nonce}`;
}

export function clientFinal(login: Login, serverFirst: string): ClientFinal {
  const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(serverFirst) ?? [];
  const binding = Buffer.from(login.clientFirst.slice(0, 3)).toString('base64');
  const withoutProof = login.finalWithoutProof ?? `c=${binding},r=${nonce}`;
  const signed = Buffer.from(`${login.clientFirst.slice(3)},${serverFirst},${withoutProof}`, 'latin1');
  const salted = pbkdf2Sync(login.password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), signed);
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
  return {
    message: `${withoutProof},p=${proof.toString('base64')}`,
    expected: `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`,
  };
}

function hmac(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Throws where it is not a challenge. */
export function challengeOf(beginning: Beginning): { readonly exchange: Exchange; readonly serverFirst: string } {
  if (beginning.kind !== 'challenge') throw new Error(`${beginning.message}: ${beginning.detail}`);
  return { exchange: beginning.exchange, serverFirst: Buffer.from(beginning.message).toString('latin1') };
}

/** `proven v=...`, `refused`, or the complaint. */
export function told(outcome: Beginning | Outcome): string {
  switch (outcome.kind) {
    case 'challenge':
    case 'proven':
      return `${outcome.kind} ${Buffer.from(outcome.message).toString('latin1')}`;
    case 'refused':
      return 'refused';
    case 'malformed':
      return [outcome.sqlState, outcome.message, outcome.detail].filter((part) => part !== '').join(' | ');
  }
}
