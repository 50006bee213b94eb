// The Migratory options: TCP option kind 253 with the experiment identifier "MT" (RFC 6994), a subtype and a version.
//
// `docs/protocol.md` has the layouts byte by byte. This file only knows fields; what a mac proves is in `migration/keys.ts`.

import { bytesToIp, ipToBytes, type Address } from './address.js';
import { Reader, Writer } from './cursor.js';
import type { Sequence } from './sequence.js';

/** 64 bits as 16 hexadecimal digits. */
export type ConnectionId = string;

/** 1 to 65535. */
export type MemberId = number;

export const EXPERIMENT_KIND = 253;
const EXPERIMENT_ID = 0x4d54;
const PROTOCOL_VERSION = 1;
export const REQUEST_MAC_LENGTH = 12;
export const SHORT_MAC_LENGTH = 8;

export type MigrateOption =
  | { readonly kind: 'capable'; readonly flags: number }
  | {
      readonly kind: 'request';
      readonly epoch: number;
      readonly cid: ConnectionId;
      readonly origin: MemberId;
      readonly receiveNext: Sequence;
      readonly nonce: number;
      readonly mac: Uint8Array;
    }
  | { readonly kind: 'acknowledge'; readonly epoch: number; readonly nonce: number; readonly mac: Uint8Array }
  | { readonly kind: 'confirm'; readonly epoch: number; readonly mac: Uint8Array }
  | {
      readonly kind: 'trigger';
      readonly epoch: number;
      readonly member: MemberId;
      readonly mac: Uint8Array;
      /** Present where the client may not know the member's address. */
      readonly address?: Address;
    }
  | { readonly kind: 'fail'; readonly reason: number; readonly nonce: number; readonly mac: Uint8Array };

const SUBTYPE = { capable: 1, request: 2, acknowledge: 3, confirm: 4, trigger: 5, fail: 6 } as const;

/** The content of the option after kind and length. */
export function encodeMigrateOption(option: MigrateOption): Uint8Array {
  const writer = new Writer(40).u16(EXPERIMENT_ID).u8((SUBTYPE[option.kind] << 4) | PROTOCOL_VERSION);
  switch (option.kind) {
    case 'capable':
      writer.u8(option.flags);
      break;
    case 'request':
      writer.u16(option.epoch).bytes(cidToBytes(option.cid)).u16(option.origin);
      writer.u32(option.receiveNext).u32(option.nonce).bytes(option.mac);
      break;
    case 'acknowledge':
      writer.u16(option.epoch).u32(option.nonce).bytes(option.mac);
      break;
    case 'confirm':
      writer.u16(option.epoch).bytes(option.mac);
      break;
    case 'trigger':
      writer.u16(option.epoch).u16(option.member).bytes(option.mac);
      if (option.address !== undefined) {
        writer.bytes(ipToBytes(option.address.ip) ?? new Uint8Array(4)).u16(option.address.port);
      }
      break;
    case 'fail':
      writer.u8(option.reason).u32(option.nonce).bytes(option.mac);
      break;
  }
  return writer.finish();
}

/** The option, `'other'` for an experiment or version that is not ours, or `'malformed'`. */
export function decodeMigrateOption(content: Uint8Array): MigrateOption | 'other' | 'malformed' {
  const reader = new Reader(content);
  const experiment = reader.u16();
  const sub = reader.u8();
  if (!reader.ok || experiment !== EXPERIMENT_ID || (sub & 0x0f) !== PROTOCOL_VERSION) return 'other';
  const option = decodeBody(sub >> 4, reader);
  if (option === undefined || !reader.ok || reader.remaining !== 0) return 'malformed';
  return option;
}

function decodeBody(subtype: number, reader: Reader): MigrateOption | undefined {
  switch (subtype) {
    case SUBTYPE.capable:
      return { kind: 'capable', flags: reader.u8() };
    case SUBTYPE.request:
      return {
        kind: 'request',
        epoch: reader.u16(),
        cid: bytesToCid(reader.bytes(8)),
        origin: reader.u16(),
        receiveNext: reader.u32(),
        nonce: reader.u32(),
        mac: reader.bytes(REQUEST_MAC_LENGTH),
      };
    case SUBTYPE.acknowledge:
      return { kind: 'acknowledge', epoch: reader.u16(), nonce: reader.u32(), mac: reader.bytes(REQUEST_MAC_LENGTH) };
    case SUBTYPE.confirm:
      return { kind: 'confirm', epoch: reader.u16(), mac: reader.bytes(REQUEST_MAC_LENGTH) };
    case SUBTYPE.trigger: {
      const option = {
        kind: 'trigger',
        epoch: reader.u16(),
        member: reader.u16(),
        mac: reader.bytes(SHORT_MAC_LENGTH),
      } as const;
      if (reader.remaining === 0) return option;
      const ipLength = reader.remaining - 2;
      if (ipLength !== 4 && ipLength !== 16) return undefined;
      return { ...option, address: { ip: bytesToIp(reader.bytes(ipLength)), port: reader.u16() } };
    }
    case SUBTYPE.fail:
      return { kind: 'fail', reason: reader.u8(), nonce: reader.u32(), mac: reader.bytes(SHORT_MAC_LENGTH) };
    default:
      return undefined;
  }
}

export function cidToBytes(cid: ConnectionId): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, index) => Number.parseInt(cid.slice(index * 2, index * 2 + 2), 16));
}

export function bytesToCid(bytes: Uint8Array): ConnectionId {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
