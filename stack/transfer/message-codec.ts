// The bytes of a message between members: one byte for the kind, then fixed fields in network order.
//
// Decoding is total: any bytes give a message or a reason, and a message that is followed by more bytes is none. What is
// decoded holds views of the input, not copies. The layouts are in `docs/protocol.md`.

import { Reader, Writer } from '../wire/cursor.js';
import { bytesToCid, cidToBytes, REQUEST_MAC_LENGTH, SHORT_MAC_LENGTH } from '../wire/migrate-options.js';
import { refusalCode, refusalReason } from '../wire/refusal-reason.js';
import { MESSAGE_OVERHEAD_LENGTH, TRANSFER_LIMITS } from './limits.js';
import { INCARNATION_LENGTH, type ControlMessage, type PeerMessage } from './messages.js';

export type MalformedMessageReason =
  'truncated' | 'unknown-kind' | 'trailing-bytes' | 'image-too-large' | 'bad-mac-length';

export type DecodedMessage =
  | { readonly kind: 'message'; readonly message: PeerMessage | ControlMessage }
  | { readonly kind: 'malformed'; readonly reason: MalformedMessageReason };

const CODE = {
  hello: 1,
  ping: 2,
  pong: 3,
  fetch: 16,
  image: 17,
  refuse: 18,
  installed: 19,
  returned: 20,
  inquire: 21,
  held: 22,
  disclaimed: 23,
  pull: 24,
} as const satisfies Record<(PeerMessage | ControlMessage)['kind'], number>;

/** An upper bound of the bytes that `encodePeerMessage` gives. */
export function messageLengthBound(message: PeerMessage | ControlMessage): number {
  return MESSAGE_OVERHEAD_LENGTH + (message.kind === 'image' ? message.image.length : 0);
}

/** The message's bytes. Numbers are taken modulo their width; macs must have the length that their field says. */
export function encodePeerMessage(message: PeerMessage | ControlMessage): Uint8Array {
  const writer = new Writer(messageLengthBound(message)).u8(CODE[message.kind]);
  switch (message.kind) {
    case 'hello':
      writer.u16(message.protocolVersion).u16(message.member).bytes(cidToBytes(message.incarnation));
      break;
    case 'ping':
    case 'pong':
      break;
    case 'fetch':
      writer.u32(message.exchange).bytes(cidToBytes(message.cid)).u16(message.epoch).u16(message.origin);
      writer.u32(message.acceptedEpoch).u32(message.receiveNext).u32(message.sendUnacknowledged);
      writer.u32(message.nonce).bytes(message.mac);
      break;
    case 'image':
      writer.u32(message.exchange).bytes(cidToBytes(message.cid)).u16(message.epoch).sized(message.image);
      break;
    case 'refuse':
      writer.u32(message.exchange).bytes(cidToBytes(message.cid)).u16(message.epoch);
      writer.u8(refusalCode(message.reason)).u16(message.holder).u8(message.failMac.length).bytes(message.failMac);
      break;
    case 'installed':
    case 'returned':
      writer.bytes(cidToBytes(message.cid)).u16(message.epoch);
      break;
    case 'inquire':
    case 'held':
    case 'disclaimed':
      writer.u32(message.exchange).bytes(cidToBytes(message.cid)).u16(message.epoch);
      break;
    case 'pull':
      writer.u16(message.count);
      break;
  }
  return writer.finish();
}

/** Total. An image over `maxImageLength` bytes is refused by its length field alone. */
export function decodePeerMessage(
  bytes: Uint8Array,
  maxImageLength: number = TRANSFER_LIMITS.maxImageLength,
): DecodedMessage {
  const reader = new Reader(bytes);
  const code = reader.u8();
  if (!reader.ok) return malformed('truncated');
  const message = decodeBody(code, reader, maxImageLength);
  if (typeof message === 'string') return malformed(reader.ok ? message : 'truncated');
  if (!reader.ok) return malformed('truncated');
  if (reader.remaining !== 0) return malformed('trailing-bytes');
  return { kind: 'message', message };
}

function malformed(reason: MalformedMessageReason): DecodedMessage {
  return { kind: 'malformed', reason };
}

function decodeBody(
  code: number,
  reader: Reader,
  maxImageLength: number,
): PeerMessage | ControlMessage | MalformedMessageReason {
  switch (code) {
    case CODE.hello:
      return {
        kind: 'hello',
        protocolVersion: reader.u16(),
        member: reader.u16(),
        incarnation: bytesToCid(reader.bytes(INCARNATION_LENGTH)),
      };
    case CODE.ping:
      return { kind: 'ping' };
    case CODE.pong:
      return { kind: 'pong' };
    case CODE.fetch:
      return {
        kind: 'fetch',
        exchange: reader.u32(),
        cid: bytesToCid(reader.bytes(8)),
        epoch: reader.u16(),
        origin: reader.u16(),
        acceptedEpoch: reader.u32(),
        receiveNext: reader.u32(),
        sendUnacknowledged: reader.u32(),
        nonce: reader.u32(),
        mac: reader.bytes(REQUEST_MAC_LENGTH),
      };
    case CODE.image:
      return decodeImage(reader, maxImageLength);
    case CODE.refuse:
      return decodeRefuse(reader);
    case CODE.installed:
      return { kind: 'installed', cid: bytesToCid(reader.bytes(8)), epoch: reader.u16() };
    case CODE.returned:
      return { kind: 'returned', cid: bytesToCid(reader.bytes(8)), epoch: reader.u16() };
    case CODE.inquire:
      return { kind: 'inquire', ...decodeInquiry(reader) };
    case CODE.held:
      return { kind: 'held', ...decodeInquiry(reader) };
    case CODE.disclaimed:
      return { kind: 'disclaimed', ...decodeInquiry(reader) };
    case CODE.pull:
      return { kind: 'pull', count: reader.u16() };
    default:
      return 'unknown-kind';
  }
}

function decodeInquiry(reader: Reader): { exchange: number; cid: string; epoch: number } {
  return { exchange: reader.u32(), cid: bytesToCid(reader.bytes(8)), epoch: reader.u16() };
}

function decodeImage(reader: Reader, maxImageLength: number): PeerMessage | MalformedMessageReason {
  const about = decodeInquiry(reader);
  const length = reader.u32();
  if (length > maxImageLength) return 'image-too-large';
  return { kind: 'image', ...about, image: reader.bytes(length) };
}

function decodeRefuse(reader: Reader): PeerMessage | MalformedMessageReason {
  const about = decodeInquiry(reader);
  const reason = refusalReason(reader.u8());
  const holder = reader.u16();
  const macLength = reader.u8();
  if (macLength !== 0 && macLength !== SHORT_MAC_LENGTH) return 'bad-mac-length';
  return { kind: 'refuse', ...about, reason, holder, failMac: reader.bytes(macLength) };
}
