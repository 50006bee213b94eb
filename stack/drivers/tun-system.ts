// The system calls that a TUN device needs and Node.js doesn't have, through koffi.
//
// koffi is loaded when the first device is opened: who uses UDP needs none of it. A call takes a fifth of a microsecond and
// answers -1 where Node.js would throw, which matters where "nothing there yet" ends every batch. Writing is `fs.writevSync`,
// which needs neither a copy nor a foreign call.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { nameTaken, noBinding, noPrivilege, noSupport, TunUnavailable } from './tun-errors.js';

interface Functions {
  readonly read: (fd: number, buffer: Uint8Array, length: number) => number;
  readonly poll: {
    async(fds: Uint8Array, count: number, timeoutMs: number, done: (error: unknown, ready: number) => void): void;
  };
  readonly ioctl: (fd: number, request: number, argument: Uint8Array) => number;
  readonly ioctlNumber: (fd: number, request: number, argument: number) => number;
  readonly eventfd: (initial: number, flags: number) => number;
  /** For descriptors that Node.js has not opened itself: it keeps account of its own. */
  readonly close: (fd: number) => number;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly errno: () => number;
}

const DEVICE_NODE = '/dev/net/tun';
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const INTERFACE_FLAGS = 0x1 | 0x1000 | 0x4000; // TUN, no packet information, virtio-net header
const OFFLOADS = 1 | 2 | 4; // checksum, TCP over IPv4, TCP over IPv6
const SIOCGIFMTU = 0x8921;
const [AF_INET, SOCK_DGRAM] = [2, 2];
const IFREQ_LENGTH = 40;
const MAX_NAME_LENGTH = 15;
const OFFLOAD_HEADER_LENGTH = 10;
const POLLIN = 1;
const POLLFD_LENGTH = 8;
const EFD_NONBLOCK = constants.O_NONBLOCK;
const ERRNO = { EPERM: 1, EBUSY: 16, EINVAL: 22 } as const;

let loaded: Promise<Functions> | undefined;

async function load(): Promise<Functions> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  return {
    read: library.func('intptr_t read(int fd, void *buffer, size_t length)') as Functions['read'],
    poll: library.func('int poll(void *fds, unsigned long count, int timeoutMs)'),
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)') as Functions['ioctl'],
    ioctlNumber: library.func(
      'int ioctl(int fd, unsigned long request, unsigned long argument)',
    ) as Functions['ioctlNumber'],
    eventfd: library.func('int eventfd(unsigned int initial, int flags)') as Functions['eventfd'],
    close: library.func('int close(int fd)') as Functions['close'],
    socket: library.func('int socket(int domain, int type, int protocol)') as Functions['socket'],
    errno: () => koffi.errno(),
  };
}

async function functions(): Promise<Functions> {
  if (process.platform !== 'linux') throw noBinding(undefined);
  loaded ??= load();
  try {
    return await loaded;
  } catch (error) {
    throw noBinding(error);
  }
}

/** Bytes of the largest IP packet; undefined where no interface has the name. Rejects with `TunUnavailable`. */
export async function interfaceMtu(name: string): Promise<number | undefined> {
  const { socket, ioctl, close } = await functions();
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    const request = interfaceRequest(name);
    return ioctl(fd, SIOCGIFMTU, request) < 0 ? undefined : request.readUInt32LE(MAX_NAME_LENGTH + 1);
  } finally {
    close(fd);
  }
}

/** A `struct ifreq`. */
function interfaceRequest(name: string): Buffer {
  const request = Buffer.alloc(IFREQ_LENGTH);
  request.write(name, 0, MAX_NAME_LENGTH, 'latin1');
  return request;
}

/** Rejects with `TunUnavailable`. */
export async function openTunHandle(name: string): Promise<TunHandle> {
  const loadedFunctions = await functions();
  const fd = openNode(name);
  try {
    attach(loadedFunctions, fd, name);
    return new TunHandle(loadedFunctions, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openNode(name: string): number {
  try {
    return openSync(DEVICE_NODE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    throw code === 'EACCES' || code === 'EPERM' ? noPrivilege(name) : noSupport(code);
  }
}

function attach({ ioctl, ioctlNumber, errno }: Functions, fd: number, name: string): void {
  const request = interfaceRequest(name);
  request.writeUInt16LE(INTERFACE_FLAGS, MAX_NAME_LENGTH + 1);
  if (ioctl(fd, TUNSETIFF, request) < 0) {
    const code = errno();
    if (code === ERRNO.EPERM) throw noPrivilege(name);
    if (code === ERRNO.EBUSY) throw nameTaken(name, 'another program uses the device');
    if (code === ERRNO.EINVAL) throw nameTaken(name, 'by something that is no TUN device, or has several queues');
    throw new TunUnavailable('ERR_TUN_SET_UP', `can't attach to the device '${name}': errno ${code}`);
  }
  const headerLength = Buffer.alloc(4);
  headerLength.writeUInt32LE(OFFLOAD_HEADER_LENGTH);
  if (ioctl(fd, TUNSETVNETHDRSZ, headerLength) < 0 || ioctlNumber(fd, TUNSETOFFLOAD, OFFLOADS) < 0) {
    throw new TunUnavailable('ERR_TUN_SET_UP', `the kernel offers no offload on '${name}' (errno ${errno()})`);
  }
}

/** An attached device; its descriptor does not block. */
export class TunHandle {
  readonly fd: number;
  readonly #functions: Functions;
  readonly #wakeFd: number;
  /** Two `struct pollfd`, kept here since a call that is under way uses them. */
  readonly #polled: Buffer;
  #isWaiting = false;
  #isClosed = false;
  #closed: (() => void) | undefined;

  constructor(functions: Functions, fd: number) {
    this.#functions = functions;
    this.fd = fd;
    this.#wakeFd = functions.eventfd(0, EFD_NONBLOCK);
    if (this.#wakeFd < 0) throw new TunUnavailable('ERR_TUN_SET_UP', `no eventfd (errno ${functions.errno()})`);
    this.#polled = Buffer.alloc(2 * POLLFD_LENGTH);
    this.#polled.writeInt32LE(fd, 0);
    this.#polled.writeInt16LE(POLLIN, 4);
    this.#polled.writeInt32LE(this.#wakeFd, POLLFD_LENGTH);
    this.#polled.writeInt16LE(POLLIN, POLLFD_LENGTH + 4);
  }

  /** One packet with its offload header; -1 where there is none. */
  read(buffer: Uint8Array): number {
    return this.#functions.read(this.fd, buffer, buffer.length);
  }

  /** Calls back once there may be something to read; not after `close`. One wait at a time. It takes a thread of libuv's pool. */
  wait(ready: () => void): void {
    this.#isWaiting = true;
    this.#functions.poll.async(this.#polled, 2, -1, () => {
      this.#isWaiting = false;
      if (this.#isClosed) this.#release();
      else ready();
    });
  }

  /** Resolves when the descriptor is closed: a device that is not persistent is gone then. */
  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    return new Promise((resolve) => {
      this.#closed = resolve;
      if (this.#isWaiting) writeSync(this.#wakeFd, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
      else this.#release();
    });
  }

  #release(): void {
    closeSync(this.fd);
    this.#functions.close(this.#wakeFd);
    this.#closed?.();
  }
}
