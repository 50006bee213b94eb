// The image: all that moves of one connection, as versioned bytes.
//
// Total in both directions: bytes that are not an image of this version give a reason. TLS keeps it from tampering on its way;
// the check value at the end catches damage in our own hands, so that a wrong byte is refused rather than resumed.

import { crc32 } from 'node:zlib';
import { decodeFrozen, encodeFrozen, type FrozenTransport } from '../tcp/freeze.js';
import { Reader, Writer } from '../wire/cursor.js';
import { bytesToCid, cidToBytes, type ConnectionId } from '../wire/migrate-options.js';
import { KEY_LENGTH } from './keys.js';
import type { ExpectedOutput, OutputMode, Snapshot } from './synchronisation.js';

const IMAGE_VERSION = 1;
const CHECK_LENGTH = 4;
const DIGEST_LENGTH = 32;

export interface Image {
  readonly cid: ConnectionId;
  readonly key: Uint8Array;
  readonly transport: FrozenTransport;
  readonly firstInputOffset: number;
  readonly firstOutputOffset: number;
  /** Undefined where the application never called `setState`: it begins anew. */
  readonly snapshot: Snapshot | undefined;
  readonly mode: OutputMode;
  readonly expected: ExpectedOutput | undefined;
  /** The client's rcv.nxt as an offset: where `output` begins. */
  readonly acknowledgedOffset: number;
  /** From the snapshot's inputOffset to the transport's receive.nextOffset. */
  readonly input: readonly Uint8Array[];
  /** From `acknowledgedOffset` to the snapshot's outputOffset. */
  readonly output: readonly Uint8Array[];
}

export type DecodedImage =
  | { readonly kind: 'image'; readonly image: Image }
  | { readonly kind: 'unreadable'; readonly cause: 'version' | 'damaged' };

const FLAG_SNAPSHOT = 1;
const FLAG_ENDED = 2;
const FLAG_EXPECTED = 4;
const MODES: readonly OutputMode[] = ['live', 'verified', 'held'];

export function encodeImage(image: Image): Uint8Array {
  const { snapshot, expected } = image;
  const flags =
    (snapshot === undefined ? 0 : FLAG_SNAPSHOT) |
    (snapshot?.ended === true ? FLAG_ENDED : 0) |
    (expected === undefined ? 0 : FLAG_EXPECTED);
  const writer = new Writer(256 + lengthOf(image.input) + lengthOf(image.output) + (snapshot?.state.length ?? 0));
  writer.u8(IMAGE_VERSION).u8(flags).u8(MODES.indexOf(image.mode)).bytes(cidToBytes(image.cid)).bytes(image.key);
  encodeFrozen(writer, image.transport);
  writer.u48(image.firstInputOffset).u48(image.firstOutputOffset).u48(image.acknowledgedOffset);
  if (snapshot !== undefined) {
    writer.u48(snapshot.inputOffset).u48(snapshot.outputOffset).sized(snapshot.state);
  }
  if (expected !== undefined) writer.u48(expected.endOffset).bytes(expected.digest);
  writeChunks(writer, image.input);
  writeChunks(writer, image.output);
  return writer.u32(crc32(writer.finish())).finish();
}

export function decodeImage(bytes: Uint8Array): DecodedImage {
  if (bytes[0] !== IMAGE_VERSION) return { kind: 'unreadable', cause: 'version' };
  const content = bytes.subarray(0, Math.max(0, bytes.length - CHECK_LENGTH));
  const check = new Reader(bytes.subarray(content.length)).u32();
  if (bytes.length < CHECK_LENGTH || check !== crc32(content)) return { kind: 'unreadable', cause: 'damaged' };
  const image = decodeContent(new Reader(content));
  return image === undefined ? { kind: 'unreadable', cause: 'damaged' } : { kind: 'image', image };
}

function decodeContent(reader: Reader): Image | undefined {
  reader.u8();
  const flags = reader.u8();
  const mode = MODES[reader.u8()];
  const cid = bytesToCid(reader.bytes(8));
  const key = reader.bytes(KEY_LENGTH).slice();
  const transport = decodeFrozen(reader);
  const firstInputOffset = reader.u48();
  const firstOutputOffset = reader.u48();
  const acknowledgedOffset = reader.u48();
  let snapshot: Snapshot | undefined;
  if ((flags & FLAG_SNAPSHOT) !== 0) {
    const inputOffset = reader.u48();
    const outputOffset = reader.u48();
    const state = reader.sized(reader.remaining).slice();
    snapshot = { state, inputOffset, outputOffset, ended: (flags & FLAG_ENDED) !== 0 };
  }
  let expected: ExpectedOutput | undefined;
  if ((flags & FLAG_EXPECTED) !== 0)
    expected = { endOffset: reader.u48(), digest: reader.bytes(DIGEST_LENGTH).slice() };
  const input = reader.sized(reader.remaining);
  const output = reader.sized(reader.remaining);
  if (!reader.ok || reader.remaining !== 0 || transport === undefined || mode === undefined) return undefined;
  const image: Image = {
    cid,
    key,
    transport,
    firstInputOffset,
    firstOutputOffset,
    snapshot,
    mode,
    expected,
    acknowledgedOffset,
    input: chunksOf(input),
    output: chunksOf(output),
  };
  return isConsistent(image) ? image : undefined;
}

/** The lengths and offsets of an image must tell one story; an image that contradicts itself is never resumed. */
function isConsistent(image: Image): boolean {
  const inputOffset = image.snapshot?.inputOffset ?? image.firstInputOffset;
  const outputOffset = image.snapshot?.outputOffset ?? image.firstOutputOffset;
  return (
    inputOffset >= image.firstInputOffset &&
    outputOffset >= image.firstOutputOffset &&
    inputOffset + lengthOf(image.input) ===
      image.transport.receive.nextOffset - (image.transport.receive.finished ? 1 : 0) &&
    image.acknowledgedOffset >= image.transport.send.unacknowledgedOffset &&
    image.acknowledgedOffset <= image.transport.send.highestOffset &&
    lengthOf(image.output) === Math.max(0, outputOffset - image.acknowledgedOffset)
  );
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  return bytes.length === 0 ? [] : [bytes];
}

function writeChunks(writer: Writer, chunks: readonly Uint8Array[]): void {
  writer.u32(lengthOf(chunks));
  for (const chunk of chunks) writer.bytes(chunk);
}

export function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return length;
}
