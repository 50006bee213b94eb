// The first packet of a connection, which has no type byte: a login, or a request for encryption or for a cancellation.
// PostgreSQL's documentation, "Message Formats": StartupMessage, SSLRequest, GSSENCRequest, CancelRequest.

import { LIMITS } from '../limits.js';

const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;
/** Length and code. */
const HEADER_LENGTH = 8;
const MAX_CANCEL_KEY_LENGTH = 256;

export type StartupPacket =
  | {
      readonly kind: 'startup';
      readonly minorVersion: number;
      readonly user: string;
      readonly database: string;
      /** Names and values as the client gave them, `user` and `database` left out. */
      readonly parameters: Readonly<Record<string, string>>;
      /** `_pq_.` options, all unknown to us. */
      readonly protocolOptions: readonly string[];
    }
  | { readonly kind: 'ssl-request' }
  | { readonly kind: 'gssenc-request' }
  | { readonly kind: 'cancel-request'; readonly processId: number; readonly key: Buffer }
  | { readonly kind: 'unsupported-version'; readonly major: number; readonly minor: number }
  /** `message` is PostgreSQL's own, as is the SQLSTATE. */
  | { readonly kind: 'malformed'; readonly message: string; readonly code: '08P01' | '28000' };

/** The length that the first four bytes claim, themselves included; undefined where no startup packet can be so long. */
export function startupLengthOf(header: Uint8Array): number | undefined {
  const length = Buffer.from(header).readInt32BE(0);
  return length < HEADER_LENGTH || length > LIMITS.startupLength ? undefined : length;
}

/** `packet` begins with its length. */
export function parseStartupPacket(packet: Buffer): StartupPacket {
  const code = packet.readInt32BE(4);
  if (code === SSL_REQUEST) return { kind: 'ssl-request' };
  if (code === GSSENC_REQUEST) return { kind: 'gssenc-request' };
  if (code === CANCEL_REQUEST) return parseCancel(packet);
  const [major, minor] = [code >>> 16, code & 0xffff];
  if (major !== 3) return { kind: 'unsupported-version', major, minor };
  return parseParameters(packet.subarray(HEADER_LENGTH), minor);
}

function parseCancel(packet: Buffer): StartupPacket {
  const key = packet.subarray(12);
  if (key.length === 0 || key.length > MAX_CANCEL_KEY_LENGTH) {
    return { kind: 'malformed', code: '08P01', message: 'invalid length of cancel request packet' };
  }
  return { kind: 'cancel-request', processId: packet.readInt32BE(8), key };
}

const MALFORMED: StartupPacket = {
  kind: 'malformed',
  code: '08P01',
  message: 'invalid startup packet layout: expected terminator as last byte',
};

function parseParameters(body: Buffer, minorVersion: number): StartupPacket {
  const texts: string[] = [];
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at);
    if (end < 0) return MALFORMED;
    texts.push(body.toString('utf8', at, end));
    const valueEnd = body.indexOf(0, end + 1);
    if (valueEnd < 0) return MALFORMED;
    texts.push(body.toString('utf8', end + 1, valueEnd));
    at = valueEnd + 1;
  }
  if (at !== body.length - 1) return MALFORMED;
  const pairs = Array.from({ length: texts.length / 2 }, (_, index): [string, string] => [
    texts[2 * index] ?? '',
    texts[2 * index + 1] ?? '',
  ]);
  const { user = '', database = '', ...parameters } = Object.fromEntries(pairs);
  if (user === '')
    return { kind: 'malformed', code: '28000', message: 'no PostgreSQL user name specified in startup packet' };
  const isOption = ([name]: [string, unknown]): boolean => name.startsWith('_pq_.');
  return {
    kind: 'startup',
    minorVersion,
    user,
    database: database === '' ? user : database,
    parameters: Object.fromEntries(Object.entries(parameters).filter((pair) => !isOption(pair))),
    protocolOptions: pairs.filter(isOption).map(([name]) => name),
  };
}
