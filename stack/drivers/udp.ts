// TCP in UDP over node:dgram: the driver that needs no privilege and runs on every operating system.
//
// Each local port is a UDP socket of its own, so a connection's addresses are those of its datagrams, and a client needs no
// more than what it would need for an ordinary connection: one socket, through whatever NAT. The kernel keeps UDP's
// checksum, so the core computes none. One datagram holds one segment.

import { createSocket, type RemoteInfo, type Socket, type SocketType } from 'node:dgram';
import { isIP } from 'node:net';
import type { Address } from '../wire/address.js';
import { decapsulate, encapsulateHeader } from '../wire/encapsulation.js';
import type { Segment } from '../wire/segment.js';
import { BindFailed, checkPort } from './binding.js';
import type { Driver, DriverCapabilities, DriverReceiver } from './driver.js';

/** Where the driver sends from, and in what sizes. */
export interface UdpDriverOptions {
  /** The IP address of an interface of this machine. */
  readonly ip: string;
  /** The largest IP packet of the path; default: 32 KiB on the loopback interface, 1,500 elsewhere. */
  readonly mtu?: number;
  /** Bytes that the kernel keeps for each socket in each direction; it may grant less. */
  readonly socketBufferLength?: number;
}

const LOOPBACK_MTU = 32_768;
const ETHERNET_MTU = 1_500;
/** What every host takes (RFC 1122 section 3.3.2), and the largest IP packet. */
const MIN_MTU = 576;
const MAX_MTU = 65_535;
const UDP_HEADER_LENGTH = 8;
const DEFAULT_SOCKET_BUFFER_LENGTH = 4 * 1024 * 1024;
/** The kernel takes no more than 1,024 pieces for one datagram (IOV_MAX), and few are cheaper to copy than to gather. */
const MAX_PIECE_COUNT = 64;
const DRIVER_CLOSED = Object.assign(new Error('closed'), { code: 'ERR_DRIVER_CLOSED' });

export class UdpDriver implements Driver {
  readonly family: 4 | 6;
  readonly capabilities: DriverCapabilities;
  /** Datagrams that held no segment of ours, and segments that the kernel did not take. */
  readonly counters = { malformedDrops: 0, sendErrors: 0 };
  readonly #options: UdpDriverOptions;
  readonly #type: SocketType;
  readonly #sockets = new Map<number, Socket>();
  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.counters.sendErrors++;
  };
  #receiver: DriverReceiver | undefined;
  #closed = false;

  /** Throws a `RangeError` where `ip` is no IP address, or `mtu` can't be one. */
  constructor(options: UdpDriverOptions) {
    const family = isIP(options.ip);
    if (family === 0) throw new RangeError(`'${options.ip}' is not an IP address: give one of this machine's`);
    this.family = family === 6 ? 6 : 4;
    this.#type = family === 6 ? 'udp6' : 'udp4';
    this.#options = options;
    const isLoopback = options.ip === '::1' || options.ip.startsWith('127.');
    const mtu = options.mtu ?? (isLoopback ? LOOPBACK_MTU : ETHERNET_MTU);
    if (!Number.isInteger(mtu) || mtu < MIN_MTU || mtu > MAX_MTU) {
      throw new RangeError(`${mtu} is not an MTU: give one from ${MIN_MTU} to ${MAX_MTU}`);
    }
    this.capabilities = { mtu: mtu - UDP_HEADER_LENGTH, maxSuperSegmentLength: 0, congestionMarks: 'lost' };
  }

  start(receiver: DriverReceiver): void {
    this.#receiver = receiver;
  }

  /** Rejects with `BindFailed`, or a `RangeError` for what is no port. */
  async bind(port: number): Promise<Address> {
    const { ip } = this.#options;
    checkPort(port);
    // Addresses are numbers already: an asynchronous look-up would cost a turn of the loop for each datagram.
    const socket = createSocket({
      type: this.#type,
      lookup: (hostname, _options, callback) => {
        callback(null, hostname, this.#type === 'udp6' ? 6 : 4);
      },
    });
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        socket.close();
        reject(new BindFailed(ip, port, error));
      };
      socket.once('error', failed);
      socket.bind({ port, address: ip, exclusive: true }, () => {
        socket.off('error', failed);
        if (this.#closed) return failed(DRIVER_CLOSED);
        socket.on('error', () => this.counters.sendErrors++);
        this.#enlargeBuffers(socket);
        const local: Address = { ip, port: socket.address().port };
        this.#sockets.set(local.port, socket);
        socket.on('message', (datagram: Buffer, remote: RemoteInfo) => {
          this.#receive(local, remote, datagram);
        });
        resolve(local);
      });
    });
  }

  #enlargeBuffers(socket: Socket): void {
    const length = this.#options.socketBufferLength ?? DEFAULT_SOCKET_BUFFER_LENGTH;
    try {
      socket.setRecvBufferSize(length);
      socket.setSendBufferSize(length);
    } catch {
      // Some systems refuse instead of granting less; the default then stays, which is slower and not wrong.
    }
  }

  #receive(local: Address, remote: RemoteInfo, datagram: Buffer): void {
    const decoded = decapsulate(datagram);
    // Port 0 is nobody's: it could not be answered.
    if (decoded.kind === 'malformed' || remote.port === 0) this.counters.malformedDrops++;
    else this.#receiver?.segment(local, { ip: remote.address, port: remote.port }, decoded.segment);
  }

  transmit(local: Address, remote: Address, segment: Segment): void {
    const socket = this.#sockets.get(local.port);
    if (socket === undefined) return;
    if (remote.port === 0) this.counters.sendErrors++;
    else socket.send(gather(segment), remote.port, remote.ip, this.#sent);
  }

  release(address: Address): void {
    const socket = this.#sockets.get(address.port);
    if (socket === undefined) return;
    this.#sockets.delete(address.port);
    socket.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}

/** Many small writes make a segment of many pieces: those are joined. */
function gather(segment: Segment): Uint8Array[] {
  const pieces = [encapsulateHeader(segment), ...segment.payload];
  return pieces.length <= MAX_PIECE_COUNT ? pieces : [Buffer.concat(pieces)];
}
