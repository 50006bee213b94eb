// S1 stream: the bytes that each side reads are those that would have been read without any move.
//
// Both streams are known in advance (test/sim/exchange.ts), so every byte is compared as it is read, in an image, and at
// the end by its count. What the client reads it compares itself.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import type { Image } from '@migratory/stack/internal/migration/image.js';
import { receiveOffsetOf, sendOffsetOf } from '@migratory/stack/internal/tcp/connection.js';
import type { RefusalReason } from '@migratory/stack/internal/wire/refusal-reason.js';
import type { Segment } from '@migratory/stack/internal/wire/segment.js';
import { check, type Followed } from '../followed.js';

export function checkConsumed({ client }: Followed, offset: number, bytes: Uint8Array): void {
  check(isAt(client.content.input, offset, bytes), 'S1', `wrong bytes at offset ${offset} of the server's input`);
}

export function checkInputEnd({ client }: Followed, offset: number): void {
  const { length } = client.content.input;
  check(offset === length, 'S1', `the server's input ended after ${offset} of ${length} bytes`);
}

/** What an image says of both streams is what they are. */
export function checkImageContent({ client }: Followed, image: Image): void {
  const { firstInputOffset, firstOutputOffset, snapshot, acknowledgedOffset } = image;
  const { input, output } = client.content;
  let offset = (snapshot?.inputOffset ?? firstInputOffset) - firstInputOffset;
  for (const bytes of image.input) {
    check(isAt(input, offset, bytes), 'S1', `an image has wrong input at offset ${offset}`);
    offset += bytes.length;
  }
  offset = acknowledgedOffset - firstOutputOffset;
  for (const bytes of image.output) {
    check(isAt(output, offset, bytes), 'S1', `an image has wrong output at offset ${offset}`);
    offset += bytes.length;
  }
}

/** Of offsets that contradict each other there are none, unless one side took what the other never sent. */
export function checkReason(reason: RefusalReason): void {
  check(reason !== 'inconsistent', 'S1', 'a client that proved itself was found inconsistent');
}

/** In mode 'held' what leaves is covered by the snapshot, or had left before the mode was asked for. */
export function checkHeld({ record: { sync, tcp } }: HostConnection, segment: Segment): void {
  if (sync?.mode !== 'held' || segment.payloadLength === 0) return;
  const endOffset = sendOffsetOf(tcp, segment.sequence) + segment.payloadLength;
  const coveredOffset = Math.max(sync.snapshot?.outputOffset ?? 0, sync.firstOutputOffset, sync.suppressBelow);
  check(endOffset <= coveredOffset, 'S1', 'output left that no snapshot covers');
}

/** The place that a member has promised to the client's stream stays promised, also by the next member. */
export function checkPromise(followed: Followed, { record: { tcp } }: HostConnection, segment: Segment): void {
  const unitLength = tcp.receive.windowUnitLength;
  const edgeOffset = receiveOffsetOf(tcp, segment.acknowledgment) + segment.window * unitLength;
  const lost = followed.promisedOffset - edgeOffset;
  // The field counts whole units: what it shows may be less than the edge by a part of one.
  check(lost < unitLength, 'S1', `${lost} bytes of window that were promised to the client are taken back`);
  followed.promisedOffset = Math.max(followed.promisedOffset, edgeOffset);
}

export function checkAllArrived({ client, consumedLength, sawEnd }: Followed): void {
  check(consumedLength === client.content.input.length, 'S1', 'the server did not get all input');
  check(sawEnd, 'S1', 'the server never saw the end of its input');
}

function isAt(stream: Uint8Array, offset: number, bytes: Uint8Array): boolean {
  return Buffer.compare(stream.subarray(offset, offset + bytes.length), bytes) === 0;
}
