// Messages in a byte stream: each is preceded by its length, 32 bits in network order.
//
// Reading is incremental. A frame that came whole is a view of the chunk; one that came in parts is gathered in a buffer
// that grows with what has really arrived, at most twofold: so a length that is only claimed costs no memory (S6).

const FRAME_HEADER_LENGTH = 4;

const EMPTY = new Uint8Array(0);
const MIN_GATHER_LENGTH = 256;

/** What has arrived of a frame that is not complete. Plain data. */
export interface FrameReader {
  gathered: Uint8Array;
  gatheredLength: number;
}

export type ReadFrames =
  | { readonly kind: 'frames'; readonly frames: readonly Uint8Array[] }
  /** `frames` came before it. The stream can't be read any further. */
  | { readonly kind: 'frame-too-long'; readonly frames: readonly Uint8Array[]; readonly claimedLength: number };

export function newFrameReader(): FrameReader {
  return { gathered: EMPTY, gatheredLength: 0 };
}

/** The header of a frame of `length` bytes. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_LENGTH);
  new DataView(header.buffer).setUint32(0, length);
  return header;
}

/** Takes the next bytes of the stream; answers the frames that they complete. The frames may be views of `bytes`. */
export function readFrames(reader: FrameReader, bytes: Uint8Array, maxLength: number): ReadFrames {
  const frames: Uint8Array[] = [];
  let rest = bytes;
  for (;;) {
    rest = gather(reader, rest, FRAME_HEADER_LENGTH);
    const header = reader.gatheredLength === 0 ? rest : reader.gathered.subarray(0, reader.gatheredLength);
    if (header.length < FRAME_HEADER_LENGTH) break;
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
    if (length > maxLength) return { kind: 'frame-too-long', frames, claimedLength: length };
    const wholeLength = FRAME_HEADER_LENGTH + length;
    if (reader.gatheredLength === 0 && rest.length >= wholeLength) {
      frames.push(rest.subarray(FRAME_HEADER_LENGTH, wholeLength));
      rest = rest.subarray(wholeLength);
      continue;
    }
    rest = append(reader, rest, wholeLength);
    if (reader.gatheredLength < wholeLength) return { kind: 'frames', frames };
    frames.push(reader.gathered.subarray(FRAME_HEADER_LENGTH, wholeLength));
    reader.gathered = EMPTY;
    reader.gatheredLength = 0;
  }
  append(reader, rest, FRAME_HEADER_LENGTH);
  return { kind: 'frames', frames };
}

/** Completes a header that was begun by earlier bytes; leaves a fresh one where it is. */
function gather(reader: FrameReader, bytes: Uint8Array, length: number): Uint8Array {
  return reader.gatheredLength === 0 || reader.gatheredLength >= length ? bytes : append(reader, bytes, length);
}

/** Moves bytes into `gathered` until it has `wholeLength`; answers what is left over. */
function append(reader: FrameReader, bytes: Uint8Array, wholeLength: number): Uint8Array {
  const take = Math.min(wholeLength - reader.gatheredLength, bytes.length);
  const needed = reader.gatheredLength + take;
  if (needed > reader.gathered.length) {
    const capacity = Math.max(needed, Math.min(wholeLength, Math.max(MIN_GATHER_LENGTH, reader.gathered.length * 2)));
    const grown = new Uint8Array(capacity);
    grown.set(reader.gathered.subarray(0, reader.gatheredLength));
    reader.gathered = grown;
  }
  reader.gathered.set(bytes.subarray(0, take), reader.gatheredLength);
  reader.gatheredLength = needed;
  return bytes.subarray(take);
}
