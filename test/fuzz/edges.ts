// Where a connection decides: the sequence numbers around which a wrong one does most.

import { sequenceOfReceiveOffset, sequenceOfSendOffset } from '@migratory/stack/internal/tcp/offsets.js';
import type { TcpRecord } from '@migratory/stack/internal/tcp/state.js';

export interface Edges {
  readonly edges: readonly number[];
  /** How far from an edge something may still matter. */
  readonly size: number;
}

/** Of the stream that the peer sends. */
export function receiveEdges(record: TcpRecord): Edges {
  const { receive } = record;
  const offsets = [receive.nextOffset, receive.nextOffset, receive.edgeOffset, receive.lastAcknowledgedOffset, -1];
  const piece = receive.outOfOrder.at(-1);
  if (piece !== undefined) offsets.push(piece.offset, piece.offset + piece.bytes.length);
  return {
    edges: offsets.map((offset) => sequenceOfReceiveOffset(record, offset)),
    size: receive.edgeOffset - receive.nextOffset + 2000,
  };
}

/** Of our own stream. */
export function sendEdges(record: TcpRecord): Edges {
  const { send, flight } = record;
  const offsets = [
    send.unacknowledgedOffset,
    send.unacknowledgedOffset,
    send.nextOffset,
    send.highestOffset,
    send.endOffset,
  ];
  const middle = flight.ends[(flight.head + flight.ends.length) >> 1];
  if (middle !== undefined) offsets.push(middle);
  return {
    edges: offsets.map((offset) => sequenceOfSendOffset(record, offset)),
    size: send.highestOffset - send.unacknowledgedOffset + 2000,
  };
}
