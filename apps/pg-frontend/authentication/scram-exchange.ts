// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), as PostgreSQL's backend takes it:
//
//   client-first  n,,n=,r=<nonce>                      beginExchange
//   server-first  r=<nonce><more>,s=<salt>,i=<count>     -> challenge
//   client-final  c=biws,r=<nonce><more>,p=<proof>     finishExchange
//   server-final  v=<signature>                          -> proven
//
//   X1. The user is the one of the start-up packet; the name in client-first is signed and otherwise ignored.
//   X2. There is no TLS, so there is no channel to bind: a client that binds is refused, and client-final has to repeat what
//       client-first said about it.
//   X3. A wrong password and an unknown user (`mockVerifier`) end in the same 'refused', after the same work.
//   X4. Whatever the bytes are, the answer is one of the outcomes; nothing throws.

import { timingSafeEqual } from 'node:crypto';
import { LIMITS } from './limits.js';
import {
  malformed,
  readAnyAttribute,
  readAttribute,
  shown,
  unsupported,
  violation,
  type Malformed,
} from './scram-message.js';
import { decodeBase64, encodeBase64, hmacSha256, KEY_LENGTH, sha256, type Verifier } from './scram-verifier.js';

/** Whether the client could bind to a channel ('y') or could not ('n'). */
type BindingFlag = 'n' | 'y';

/** An exchange between its two messages: plain data, so that it can be part of a snapshot. */
export interface Exchange {
  readonly bindingFlag: BindingFlag;
  /** Latin-1, as all messages here. */
  readonly clientFirstBare: string;
  readonly serverFirst: string;
  /** The client's part and the server's. */
  readonly nonce: string;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export type Beginning =
  /** `message` is the data of AuthenticationSASLContinue. */
  { readonly kind: 'challenge'; readonly exchange: Exchange; readonly message: Uint8Array } | Malformed;

export type Outcome =
  /** `message` is the data of AuthenticationSASLFinal. */
  | { readonly kind: 'proven'; readonly message: Uint8Array }
  /** SQLSTATE 28P01, with the user of the start-up packet in the text. */
  | { readonly kind: 'refused' }
  | Malformed;

/** What client-final has to say, by what client-first said: the base64 of its first three characters. */
const CHANNEL_BINDING: Readonly<Record<BindingFlag, string>> = { n: 'biws', y: 'eSws' };
const PRINTABLE = /^[\x21-\x2b\x2d-\x7e]*$/;
const BOUND =
  'The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.';

/**
 * `serverNonce` is printable ASCII without a comma, new for each exchange, at least `LIMITS.serverNonceLength` long; throws
 * `RangeError` where it is not, for an exchange could be repeated then.
 */
export function beginExchange(clientFirst: Uint8Array, verifier: Verifier, serverNonce: string): Beginning {
  if (serverNonce.length < LIMITS.serverNonceLength || !PRINTABLE.test(serverNonce)) {
    throw new RangeError(`the server's nonce has to be ${LIMITS.serverNonceLength} or more printable characters`);
  }
  const first = parseClientFirst(clientFirst);
  if (first.kind === 'malformed') return first;
  const { bindingFlag, bare, clientNonce } = first;
  const { salt, iterationCount, storedKey, serverKey } = verifier;
  const nonce = clientNonce + serverNonce;
  const serverFirst = `r=${nonce},s=${encodeBase64(salt)},i=${iterationCount}`;
  const exchange: Exchange = { bindingFlag, clientFirstBare: bare, serverFirst, nonce, storedKey, serverKey };
  return { kind: 'challenge', exchange, message: toBytes(serverFirst) };
}

export function finishExchange(exchange: Exchange, clientFinal: Uint8Array): Outcome {
  const final = parseClientFinal(clientFinal, exchange.bindingFlag);
  if (final.kind === 'malformed') return final;
  if (final.nonce !== exchange.nonce) return violation('invalid SCRAM response', 'Nonce does not match.');
  const signed = toBytes(`${exchange.clientFirstBare},${exchange.serverFirst},${final.withoutProof}`);
  const clientSignature = hmacSha256(exchange.storedKey, signed);
  const clientKey = final.proof.map((byte, index) => byte ^ (clientSignature[index] ?? 0));
  if (!timingSafeEqual(sha256(clientKey), exchange.storedKey)) return { kind: 'refused' }; // X3
  return { kind: 'proven', message: toBytes(`v=${encodeBase64(hmacSha256(exchange.serverKey, signed))}`) };
}

interface ClientFirst {
  readonly kind: 'client-first';
  readonly bindingFlag: BindingFlag;
  readonly bare: string;
  readonly clientNonce: string;
}

function parseClientFirst(message: Uint8Array): ClientFirst | Malformed {
  const received = readMessage(message);
  if (received.kind === 'malformed') return received;
  const { text } = received;
  const bindingFlag = text[0];
  if (bindingFlag === 'p') return malformed(BOUND); // X2
  if (bindingFlag !== 'n' && bindingFlag !== 'y') {
    return malformed(`Unexpected channel-binding flag "${shown(bindingFlag)}".`);
  }
  if (text[1] !== ',') return malformed(`Comma expected, but found character "${shown(text[1])}".`);
  if (text[2] === 'a') return unsupported('client uses authorization identity, but it is not supported');
  if (text[2] !== ',') return malformed(`Unexpected attribute "${shown(text[2])}" in client-first-message.`);
  if (text[3] === 'm') return unsupported('client requires an unsupported SCRAM extension');
  const user = readAttribute(text, 3, 'n'); // X1
  if (user.kind === 'malformed') return user;
  const nonce = readAttribute(text, user.endOffset, 'r');
  if (nonce.kind === 'malformed') return nonce;
  if (!PRINTABLE.test(nonce.value)) return violation('non-printable characters in SCRAM nonce');
  for (let offset = nonce.endOffset; offset < text.length;) {
    const extension = readAnyAttribute(text, offset);
    if (extension.kind === 'malformed') return extension;
    offset = extension.endOffset;
  }
  return { kind: 'client-first', bindingFlag, bare: text.slice(3), clientNonce: nonce.value };
}

interface ClientFinal {
  readonly kind: 'client-final';
  readonly nonce: string;
  /** `KEY_LENGTH` bytes. */
  readonly proof: Uint8Array;
  /** The part that is signed. */
  readonly withoutProof: string;
}

function parseClientFinal(message: Uint8Array, bindingFlag: BindingFlag): ClientFinal | Malformed {
  const received = readMessage(message);
  if (received.kind === 'malformed') return received;
  const { text } = received;
  const binding = readAttribute(text, 0, 'c');
  if (binding.kind === 'malformed') return binding;
  if (binding.value !== CHANNEL_BINDING[bindingFlag]) {
    return violation('unexpected SCRAM channel-binding attribute in client-final-message'); // X2
  }
  const nonce = readAttribute(text, binding.endOffset, 'r');
  if (nonce.kind === 'malformed') return nonce;
  let proofOffset = nonce.endOffset;
  let last = readAnyAttribute(text, proofOffset);
  while (last.kind === 'attribute' && last.name !== 'p') {
    proofOffset = last.endOffset;
    last = readAnyAttribute(text, proofOffset);
  }
  if (last.kind === 'malformed') return last;
  const proof = decodeBase64(last.value);
  if (proof?.length !== KEY_LENGTH) return malformed('Malformed proof in client-final-message.');
  if (last.endOffset < text.length) return malformed('Garbage found at the end of client-final-message.');
  return { kind: 'client-final', nonce: nonce.value, proof, withoutProof: text.slice(0, proofOffset - 1) };
}

function readMessage(message: Uint8Array): { readonly kind: 'text'; readonly text: string } | Malformed {
  if (message.length > LIMITS.scramMessageLength) {
    return malformed(`The message is longer than ${LIMITS.scramMessageLength} bytes.`);
  }
  if (message.length === 0) return malformed('The message is empty.');
  if (message.includes(0)) return malformed('Message length does not match input length.');
  return { kind: 'text', text: Buffer.from(message).toString('latin1') };
}

function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
