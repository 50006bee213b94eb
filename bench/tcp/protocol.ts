// What the servers of the TCP measurements do, on whichever TCP: bulk, echo, and closing once the client has closed.
//
// Of bulk the client asks for bytes, or announces them. The request is a number in 8 bytes: so many bytes from the server, or, where it is negative, so many to it; either way the
// server ends the connection when all has been sent, or has come.

import type { Duplex } from 'node:stream';

export const SERVICE_PORTS = { bulk: 5_001, echo: 5_002, closing: 5_003 } as const;
const REQUEST_LENGTH = 8;
const CHUNK = Buffer.alloc(256 * 1024, 'bulk ');

export type Direction = 'send' | 'receive';

/** What a client is told to do. */
export interface Order {
  readonly host: string;
  readonly direction: Direction;
  readonly length: number;
  /** To receive for so long only, however much there is. */
  readonly limitMs?: number;
}

/** `direction` is the server's. */
export function encodeRequest(direction: Direction, length: number): Buffer {
  const request = Buffer.alloc(REQUEST_LENGTH);
  request.writeDoubleBE(direction === 'send' ? length : -length);
  return request;
}

/** Sends everything back. All connections have the same listeners: what they take is not the application's. */
export function serveEcho(connection: Duplex): void {
  connection.on('error', ignore).on('data', sendBack).on('end', end);
}

/** Ends when the client ends. */
export function serveClosing(connection: Duplex): void {
  connection.on('error', ignore).on('end', end).resume();
}

function ignore(): void {
  // A client that goes away is its own affair.
}

function sendBack(this: Duplex, bytes: Buffer): void {
  this.write(bytes);
}

function end(this: Duplex): void {
  this.end();
}

export function serveBulk(connection: Duplex): void {
  connection.on('error', () => undefined);
  connection.once('data', (first: Buffer) => {
    const asked = first.readDoubleBE(0);
    if (asked >= 0) {
      writeBulk(connection, asked);
      return;
    }
    let missing = -asked - (first.length - REQUEST_LENGTH);
    connection.on('data', (bytes: Buffer) => {
      missing -= bytes.length;
      if (missing <= 0) connection.end();
    });
  });
}

/** Writes `length` bytes with back-pressure, the same ones again and again, and ends. */
export function writeBulk(connection: Duplex, length: number): void {
  let left = length;
  const proceed = (): void => {
    while (left > 0 && !connection.destroyed) {
      const piece = CHUNK.subarray(0, Math.min(CHUNK.length, left));
      left -= piece.length;
      if (!connection.write(piece)) {
        connection.once('drain', proceed);
        return;
      }
    }
    connection.end();
  };
  proceed();
}
