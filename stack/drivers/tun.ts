// TCP straight over IP, through a TUN device: any client's ordinary TCP reaches the stack.
//
// The stack has addresses of its own, which the kernel routes into the device; the kernel's side of the device has others.
// There are no sockets: a port is bookkeeping, and what comes for a port that nobody has goes to the host as well, which
// refuses it as any host would. Checksums and the cutting of super-segments are the kernel's, in both directions.
//   U1. Only packets for the stack's own addresses are looked at.
//   U2. What the driver can't take is dropped and counted by its reason; it answers echo requests and nothing else.

import { isOfOneHost, type Address } from '../wire/address.js';
import { decodePacket } from '../wire/ip/decode.js';
import { decodeIcmp, echoReply, type QuotedSegment } from '../wire/ip/icmp.js';
import { IPV4_HEADER_LENGTH } from '../wire/ip/ipv4.js';
import { IPV6_HEADER_LENGTH } from '../wire/ip/ipv6.js';
import { decodeOffloadHeader, OFFLOAD_HEADER_LENGTH, writeOffloadHeader } from '../wire/ip/offload.js';
import { PROTOCOL, type IpFamily, type IpPacket } from '../wire/ip/packet.js';
import { decodeTcp, MAX_TCP_PACKET_HEADER_LENGTH, writeTcpPacket } from '../wire/ip/tcp-packet.js';
import type { NetworkReport } from '../wire/network-report.js';
import type { Segment } from '../wire/segment.js';
import { BindFailed } from './binding.js';
import type { Driver, DriverCapabilities, DriverReceiver } from './driver.js';
import { IpTexts } from './ip-texts.js';
import { Ports } from './ports.js';

/** The longest payload: an IP packet has 65,535 bytes at most, of which headers with all options may take 80. */
const MAX_SUPER_SEGMENT_LENGTH = 0xffff - IPV4_HEADER_LENGTH - 60;

/** Whole packets, each behind its offload header. */
export interface PacketLink {
  /** Packets that were not taken. */
  readonly writeErrors: number;
  start(receive: (packet: Uint8Array) => void): void;
  write(headers: Uint8Array, payload: readonly Uint8Array[]): void;
  close(): Promise<void>;
}

/** What the driver has dropped and answered, since the start. */
export interface TunCounters {
  /** Packets, segments and messages that are not what they should be. */
  malformedDrops: number;
  fragmentDrops: number;
  /** Packets for addresses that are not ours. */
  foreignDrops: number;
  /** Packets of protocols that we don't speak, router solicitations among them. */
  otherProtocolDrops: number;
  echoesAnswered: number;
}

/** Carries TCP over IP on a TUN device; `openTunDriver` makes one. */
export class TunDriver implements Driver {
  readonly family: IpFamily | 'both';
  readonly capabilities: DriverCapabilities;
  readonly counters: TunCounters = {
    malformedDrops: 0,
    fragmentDrops: 0,
    foreignDrops: 0,
    otherProtocolDrops: 0,
    echoesAnswered: 0,
  };
  readonly #link: PacketLink;
  readonly #ips: readonly string[];
  readonly #texts = new IpTexts();
  readonly #ports = new Ports();
  /** Written before each packet, and used again: the kernel has taken it when the write returns. */
  readonly #headers = Buffer.alloc(OFFLOAD_HEADER_LENGTH + MAX_TCP_PACKET_HEADER_LENGTH);
  #receiver: DriverReceiver | undefined;
  #isClosed = false;

  /** `ips` are the stack's own, canonical, one or one of each family. Use `openTunDriver`. */
  constructor(link: PacketLink, mtu: number, ips: readonly string[]) {
    this.#link = link;
    this.#ips = ips;
    const families = new Set(ips.map(familyOf));
    this.family = families.size === 2 ? 'both' : families.has(6) ? 6 : 4;
    this.capabilities = { mtu, maxSuperSegmentLength: MAX_SUPER_SEGMENT_LENGTH, congestionMarks: 'carried' };
  }

  /** Packets that the kernel did not take. */
  get sendErrors(): number {
    return this.#link.writeErrors;
  }

  start(receiver: DriverReceiver): void {
    this.#receiver = receiver;
    this.#link.start((bytes) => this.#receive(bytes));
  }

  bind(port: number, family?: IpFamily): Promise<Address> {
    return new Promise((resolve) => resolve(this.#bind(port, family)));
  }

  #bind(port: number, family: IpFamily | undefined): Address {
    const ip = this.#ips.find((candidate) => family === undefined || familyOf(candidate) === family);
    if (ip === undefined) throw new RangeError(`this driver has no IPv${family} address`);
    if (this.#isClosed) throw new BindFailed(ip, port, { code: 'ERR_DRIVER_CLOSED', message: 'closed' });
    return { ip, port: this.#ports.take(ip, port) };
  }

  release(address: Address): void {
    this.#ports.give(address.port);
  }

  transmit(local: Address, remote: Address, segment: Segment): void {
    if (this.#isClosed) return;
    if (this.#ips.includes(remote.ip)) {
      // The kernel would not send it back to us; and nothing is received from inside this call.
      const received = { ...segment, payload: segment.payload.map((piece) => new Uint8Array(piece)) };
      setImmediate(() => this.#receiver?.segment(remote, local, received));
      return;
    }
    const headers = this.#headers;
    const source = { ip: this.#texts.bytesOf(local.ip), port: local.port };
    const destination = { ip: this.#texts.bytesOf(remote.ip), port: remote.port };
    const length = writeTcpPacket(headers, OFFLOAD_HEADER_LENGTH, source, destination, segment);
    const isIpv6 = source.ip.length === 16;
    const { cutLength = 0, payloadLength } = segment;
    writeOffloadHeader(
      headers,
      isIpv6 ? 6 : 4,
      isIpv6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH,
      length,
      payloadLength > cutLength ? cutLength : 0,
    );
    this.#link.write(headers.subarray(0, OFFLOAD_HEADER_LENGTH + length), segment.payload);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#receiver = undefined;
    this.#ports.clear();
    await this.#link.close();
  }

  #receive(bytes: Uint8Array): void {
    const { checksum } = decodeOffloadHeader(bytes);
    const packetBytes = bytes.subarray(OFFLOAD_HEADER_LENGTH);
    const packet = decodePacket(packetBytes);
    if (packet.kind === 'malformed') this.counters.malformedDrops++;
    else if (packet.kind === 'fragment') this.counters.fragmentDrops++;
    else if (!this.#ips.includes(this.#texts.textOf(packet.destination))) this.#dropForeign(packet);
    else if (packet.protocol === PROTOCOL.tcp) this.#receiveTcp(packetBytes, packet, checksum);
    else if (packet.protocol === (packet.family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6)) {
      this.#receiveIcmp(packetBytes, packet);
    } else this.counters.otherProtocolDrops++;
  }

  /** U1. What is sent to groups is for other protocols. */
  #dropForeign({ family, destination }: IpPacket): void {
    const isToGroup = family === 6 ? destination[0] === 0xff : (destination[0] ?? 0) >= 224;
    if (isToGroup) this.counters.otherProtocolDrops++;
    else this.counters.foreignDrops++;
  }

  #receiveTcp(bytes: Uint8Array, packet: IpPacket, checksum: 'trusted' | 'to-be-checked'): void {
    const decoded = decodeTcp(bytes, packet, checksum);
    // Port 0 is nobody's, and a group no sender: neither could be answered.
    if (decoded.kind === 'malformed' || decoded.sourcePort === 0 || !isOfOneHost(packet.source)) {
      this.counters.malformedDrops++;
      return;
    }
    const local: Address = { ip: this.#texts.textOf(packet.destination), port: decoded.destinationPort };
    const remote: Address = { ip: this.#texts.textOf(packet.source), port: decoded.sourcePort };
    this.#receiver?.segment(local, remote, decoded.segment);
  }

  #receiveIcmp(bytes: Uint8Array, packet: IpPacket): void {
    const message = decodeIcmp(bytes, packet);
    switch (message.kind) {
      case 'echo-request':
        this.counters.echoesAnswered++;
        this.#link.write(new Uint8Array(OFFLOAD_HEADER_LENGTH), [echoReply(bytes, packet)]);
        break;
      case 'packet-too-big': {
        const ipLength = packet.family === 6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH;
        const { sequence } = message.quoted;
        this.#report(message.quoted, { kind: message.kind, sequence, segmentLength: message.mtu - ipLength });
        break;
      }
      case 'unreachable': {
        const { quoted, kind, hardness } = message;
        this.#report(quoted, { kind, hardness, sequence: quoted.sequence });
        break;
      }
      case 'other':
        this.counters.otherProtocolDrops++;
        break;
      case 'malformed':
        this.counters.malformedDrops++;
    }
  }

  #report(quoted: QuotedSegment, report: NetworkReport): void {
    const local: Address = { ip: this.#texts.textOf(quoted.source), port: quoted.sourcePort };
    const remote: Address = { ip: this.#texts.textOf(quoted.destination), port: quoted.destinationPort };
    this.#receiver?.report?.(local, remote, report);
  }
}

function familyOf(ip: string): IpFamily {
  return ip.includes(':') ? 6 : 4;
}
