// A driver that wraps any driver and writes all that passes into a file which Wireshark opens (pcapng).
//
// A packet is written as the stack has it: with the headers of IP that its driver has, or would have had, made anew, and
// with checksums that are right. Options of TCP that the stack does not know are not in it any more.

import { createWriteStream, fchmodSync, openSync, type WriteStream } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Address } from '../wire/address.js';
import { IPV4_HEADER_LENGTH } from '../wire/ip/ipv4.js';
import { IPV6_HEADER_LENGTH } from '../wire/ip/ipv6.js';
import type { IpFamily } from '../wire/ip/packet.js';
import { completeChecksum, MAX_TCP_PACKET_HEADER_LENGTH, writeTcpPacket } from '../wire/ip/tcp-packet.js';
import { pcapngPacketFrame, pcapngPreamble } from '../wire/pcapng.js';
import type { Segment } from '../wire/segment.js';
import type { Driver, DriverCapabilities, DriverReceiver } from './driver.js';
import { IpTexts } from './ip-texts.js';

/** Bytes that wait for the disk, at most; packets beyond it are counted and not written. */
const MAX_WAITING_LENGTH = 64 * 1024 * 1024;
/** There are other people's passwords in it. */
const OWNER_ONLY = 0o600;

/** The file of a capture can't be written. One line. */
export class CaptureFailed extends Error {
  override readonly name = 'CaptureFailed';
}

export class CaptureDriver implements Driver {
  readonly family: Driver['family'];
  readonly capabilities: DriverCapabilities;
  /** Packets that are not in the file, since the disk was full or too slow. */
  missedCount = 0;
  readonly #inner: Driver;
  readonly #texts = new IpTexts();
  readonly #file: WriteStream;
  #canWrite = true;

  /** Replaces the file. Throws `CaptureFailed`. */
  constructor(inner: Driver, fileName: string) {
    this.#inner = inner;
    this.family = inner.family;
    this.capabilities = inner.capabilities;
    this.#file = createWriteStream(fileName, { fd: openFile(fileName) });
    this.#file.on('error', ({ message }) => {
      this.#canWrite = false;
      process.emitWarning(`the capture ${fileName} ends here: ${message}`);
    });
    this.#file.write(pcapngPreamble());
  }

  start(receiver: DriverReceiver): void {
    this.#inner.start({
      segment: (local, remote, segment) => {
        this.#record(remote, local, segment);
        receiver.segment(local, remote, segment);
      },
      report: (local, remote, report) => receiver.report?.(local, remote, report),
    });
  }

  bind(port: number, family?: IpFamily): Promise<Address> {
    return this.#inner.bind(port, family);
  }

  release(address: Address): void {
    this.#inner.release(address);
  }

  transmit(local: Address, remote: Address, segment: Segment): void {
    this.#record(local, remote, segment);
    this.#inner.transmit(local, remote, segment);
  }

  async close(): Promise<void> {
    await this.#inner.close();
    if (this.#file.closed) return;
    await new Promise<void>((resolve) => {
      this.#file.once('close', () => resolve());
      this.#file.end();
    });
  }

  #record(from: Address, to: Address, segment: Segment): void {
    if (!this.#canWrite || this.#file.writableLength > MAX_WAITING_LENGTH || this.#file.writableEnded) {
      this.missedCount++;
      return;
    }
    const [source, destination] = [this.#end(from), this.#end(to)];
    const buffer = Buffer.alloc(MAX_TCP_PACKET_HEADER_LENGTH);
    const headers = buffer.subarray(0, writeTcpPacket(buffer, 0, source, destination, segment));
    const ipHeaderLength = source.ip.length === 16 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH;
    completeChecksum(headers, ipHeaderLength, segment.payload);
    const microseconds = (performance.timeOrigin + performance.now()) * 1000;
    const { head, tail } = pcapngPacketFrame(microseconds, headers.length + segment.payloadLength);
    this.#file.write(Buffer.concat([head, headers, ...segment.payload, tail]));
  }

  #end({ ip, port }: Address): { readonly ip: Uint8Array; readonly port: number } {
    return { ip: this.#texts.bytesOf(ip), port };
  }
}

function openFile(name: string): number {
  try {
    const fd = openSync(name, 'w', OWNER_ONLY);
    fchmodSync(fd, OWNER_ONLY); // one that was there already keeps its own mode
    return fd;
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    throw new CaptureFailed(
      `can't write the capture ${name} (${code}): choose a file in a folder that you may write to`,
    );
  }
}
