// The pcapng format, as much as a capture of IP packets needs: a section, one interface, and packets with their time.
//
// Blocks have their length at both ends and are padded to whole words; numbers are little-endian, as the byte-order magic says.

const BLOCK = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Packets begin with the header of IP, of either version. */
const LINK_TYPE_RAW = 101;
/** Type, length, and length again. */
const FRAME_LENGTH = 12;
const PACKET_FIELDS_LENGTH = 20;
const TYPE_AND_LENGTH = 8;

/** What a file begins with. */
export function pcapngPreamble(): Uint8Array {
  const section = block(BLOCK.section, 16);
  section.setUint32(TYPE_AND_LENGTH, BYTE_ORDER_MAGIC, true);
  section.setUint16(TYPE_AND_LENGTH + 4, 1, true); // version 1.0
  section.setBigInt64(TYPE_AND_LENGTH + 8, -1n, true); // of unknown length
  const description = block(BLOCK.interface, 8);
  description.setUint16(TYPE_AND_LENGTH, LINK_TYPE_RAW, true);
  return Buffer.concat([bytesOf(section), bytesOf(description)]);
}

/** What stands before and behind a packet of `packetLength` bytes. `time` in microseconds since 1970. */
export function pcapngPacketFrame(time: number, packetLength: number): { head: Uint8Array; tail: Uint8Array } {
  const padding = (4 - (packetLength % 4)) % 4;
  const blockLength = FRAME_LENGTH + PACKET_FIELDS_LENGTH + packetLength + padding;
  const head = new DataView(new ArrayBuffer(TYPE_AND_LENGTH + PACKET_FIELDS_LENGTH));
  head.setUint32(0, BLOCK.packet, true);
  head.setUint32(4, blockLength, true);
  head.setUint32(12, Math.floor(time / 2 ** 32), true);
  head.setUint32(16, time % 2 ** 32, true);
  head.setUint32(20, packetLength, true);
  head.setUint32(24, packetLength, true);
  const tail = new DataView(new ArrayBuffer(padding + 4));
  tail.setUint32(padding, blockLength, true);
  return { head: bytesOf(head), tail: bytesOf(tail) };
}

function block(type: number, contentLength: number): DataView {
  const view = new DataView(new ArrayBuffer(FRAME_LENGTH + contentLength));
  view.setUint32(0, type, true);
  view.setUint32(4, view.byteLength, true);
  view.setUint32(view.byteLength - 4, view.byteLength, true);
  return view;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}
