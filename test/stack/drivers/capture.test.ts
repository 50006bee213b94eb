// The capture: what passes is in the file, whole, in the order in which it passed, in blocks that any reader understands.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { CaptureDriver, CaptureFailed, MemoryNetwork, SeededEntropy, VirtualClock } from '@migratory/stack';
import { decodePacket } from '@migratory/stack/internal/wire/ip/decode.js';
import { decodeTcp } from '@migratory/stack/internal/wire/ip/tcp-packet.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from '../../support/bytes.js';

interface Block {
  readonly type: number;
  readonly content: Buffer;
}

/** Throws where lengths at both ends differ, or a block is no whole number of words. */
function blocksOf(file: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32LE(at + 4);
    if (length % 4 !== 0 || file.readUInt32LE(at + length - 4) !== length) throw new Error(`a bad block at ${at}`);
    blocks.push({ type: file.readUInt32LE(at), content: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function segment(sequence: number, payload: Uint8Array): Segment {
  const rest = { acknowledgment: 9, flags: FLAG.ack, window: 100, options: { timestamps: { value: 1, echo: 2 } } };
  return { sequence, ...rest, payload: [payload], payloadLength: payload.length };
}

test('every segment, sent and received, is a packet with right checksums', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'migratory-capture-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'all.pcapng');
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, new SeededEntropy(1));
  const driver = new CaptureDriver(network.attach('10.0.0.1'), file);
  const peer = network.attach('10.0.0.2');
  let receivedCount = 0;
  driver.start({ segment: () => receivedCount++ });
  peer.start({ segment: () => undefined });
  const [local, remote] = [await driver.bind(80), await peer.bind(5_000)];
  const lengths = [0, 1, 2, 3, 1_000, 40_000];
  for (const [index, length] of lengths.entries()) driver.transmit(local, remote, segment(index, pattern(length)));
  peer.transmit(remote, local, segment(77, pattern(5)));
  while (clock.step());
  t.is(receivedCount, 1);
  await driver.close();
  await driver.close();
  const [section, description, ...packets] = blocksOf(readFileSync(file));
  t.is(section?.type, 0x0a0d0d0a);
  t.is(section?.content.readUInt32LE(0), 0x1a2b3c4d);
  t.deepEqual([description?.type, description?.content.readUInt16LE(0)], [1, 101]);
  const seen = packets.map(({ type, content }) => {
    t.is(type, 6);
    const bytes = content.subarray(20, 20 + content.readUInt32LE(12));
    const packet = decodePacket(bytes);
    if (packet.kind !== 'packet') throw new Error(packet.kind);
    const tcp = decodeTcp(bytes, packet, 'to-be-checked');
    if (tcp.kind !== 'segment') throw new Error(tcp.reason);
    return [packet.source.join('.'), tcp.sourcePort, tcp.segment.sequence, tcp.segment.payloadLength];
  });
  t.deepEqual(seen, [...lengths.map((length, index) => ['10.0.0.1', 80, index, length]), ['10.0.0.2', 5_000, 77, 5]]);
  t.is(driver.missedCount, 0);
});

test('a file that can not be written is said in one line', (t) => {
  const inner = new MemoryNetwork(new VirtualClock(), new SeededEntropy(1)).attach('10.0.0.1');
  const error = t.throws(() => new CaptureDriver(inner, join(tmpdir(), 'no', 'such', 'folder')), {
    instanceOf: CaptureFailed,
  });
  t.regex(error.message, /^can't write the capture [^\n]*\(ENOENT\)[^\n]*$/);
});
