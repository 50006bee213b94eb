// What one member tells the next of notifications that the client has not been given, as notifications of their own.
//
//   arrived TURN COUNT      the successor listens, and goes on from a restart point that covers COUNT notifications
//   pieces TURN INDEX DATA  a part of what is handed over to the session of that turn, in base64
//   end TURN                that was all
//
// Anybody may notify on any channel, so behind each comes a mac of the channel and of what is said, by a secret of the members:
// what has none is nothing. Said again it does no harm: each turn is announced once, and handed over to once. The index is
// there because the database sends equal notifications of one transaction only once.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { LIMITS } from '../limits.js';
import { quoteIdentifier, quoteLiteral } from '../wire/frontend-messages.js';
import { BACKEND, HEADER_LENGTH, readCString } from '../wire/message.js';

/** The turn of a session, and how many notifications its client had been given before. */
export interface Arrival {
  readonly turn: number;
  readonly count: number;
}

export type HandOverMessage =
  | { readonly kind: 'arrived'; readonly turn: number; readonly count: number }
  | { readonly kind: 'piece'; readonly turn: number; readonly index: number; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly turn: number }
  | { readonly kind: 'unknown' };

const UNKNOWN: HandOverMessage = { kind: 'unknown' };
/** Bytes of a mac: the first half of a SHA-256. */
const MAC_LENGTH = 16;
/** Its process id, and two texts that are empty. */
const SHORTEST_BODY_LENGTH = 4 + 2;

/** The channel on which the sessions that serve a connection one after the other hand over its notifications. */
export class HandOverChannel {
  readonly name: string;
  readonly #secret: Uint8Array;

  /** `secret`: shared by all members. */
  constructor(cid: string, secret: Uint8Array) {
    this.name = `migratory_${cid}`;
    this.#secret = secret;
  }

  /** The statement that tells all who listen that there is a session after theirs. */
  arrivalStatement({ turn, count }: Arrival): string {
    return `NOTIFY ${quoteIdentifier(this.name)}, ${quoteLiteral(this.#sealed(`arrived ${turn} ${count}`))}`;
  }

  /** The one statement that hands over `messages` to the session of `turn`. */
  handOverStatement(turn: number, messages: readonly Buffer[]): string {
    const bytes = Buffer.concat(messages);
    const payloads: string[] = [];
    for (let at = 0; at < bytes.length; at += LIMITS.handOverPieceLength) {
      const piece = bytes.toString('base64', at, at + LIMITS.handOverPieceLength);
      payloads.push(`pieces ${turn} ${payloads.length} ${piece}`);
    }
    payloads.push(`end ${turn}`);
    const calls = payloads.map((payload) => {
      return `pg_catalog.pg_notify(${quoteLiteral(this.name)}, ${quoteLiteral(this.#sealed(payload))})`;
    });
    return `SELECT ${calls.join(', ')}`;
  }

  read(payload: string): HandOverMessage {
    const end = payload.lastIndexOf(' ');
    const text = payload.slice(0, Math.max(0, end));
    const mac = Buffer.from(payload.slice(end + 1), 'base64');
    return mac.length === MAC_LENGTH && timingSafeEqual(mac, this.#macOf(text)) ? readMessage(text) : UNKNOWN;
  }

  #sealed(text: string): string {
    return `${text} ${this.#macOf(text).toString('base64')}`;
  }

  #macOf(text: string): Buffer {
    const mac = createHmac('sha256', this.#secret).update(`${this.name} ${text}`, 'latin1');
    return mac.digest().subarray(0, MAC_LENGTH);
  }
}

function readMessage(text: string): HandOverMessage {
  const [kind, ...words] = text.split(' ');
  const [turn = NaN, number = NaN] = words.map((word) => (/^\d{1,15}$/.test(word) ? Number(word) : NaN));
  if (Number.isNaN(turn)) return UNKNOWN;
  if (kind === 'end' && words.length === 1) return { kind, turn };
  if (Number.isNaN(number)) return UNKNOWN;
  if (kind === 'arrived' && words.length === 2) return { kind, turn, count: number };
  if (kind !== 'pieces' || words.length !== 3) return UNKNOWN;
  return { kind: 'piece', turn, index: number, bytes: Buffer.from(words[2] ?? '', 'base64') };
}

/** Channel and payload of a NotificationResponse; undefined where it is none, or not well formed to its last byte. */
export function readNotification(whole: Buffer): { readonly channel: string; readonly payload: string } | undefined {
  if (whole[0] !== BACKEND.notificationResponse || whole.length < HEADER_LENGTH + SHORTEST_BODY_LENGTH)
    return undefined;
  if (whole.readInt32BE(1) !== whole.length - 1) return undefined;
  const channel = readCString(whole, HEADER_LENGTH + 4, 'latin1');
  const payload = channel && readCString(whole, channel.end, 'latin1');
  if (channel === undefined || payload?.end !== whole.length) return undefined;
  return { channel: channel.text, payload: payload.text };
}

/** What was handed over, message by message; undefined where anything in it is no notification of the client's. */
export function readHandedOver(bytes: Buffer, ownChannel: string): readonly Buffer[] | undefined {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < HEADER_LENGTH) return undefined;
    const length = bytes.readInt32BE(at + 1);
    const end = at + 1 + length;
    if (length < 4 || end > bytes.length) return undefined;
    const whole = bytes.subarray(at, end);
    const notification = readNotification(whole);
    if (notification === undefined || notification.channel === ownChannel) return undefined;
    messages.push(whole);
    at = end;
  }
  return messages;
}
