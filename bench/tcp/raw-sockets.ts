// The kernel's sockets without anything of Node.js around them, so that a client is never what is measured.
//
// Calls block, as those of a C program would: the process has nothing else to do.

import koffi from 'koffi';

const library = koffi.load(null);
const libc = {
  socket: library.func('int socket(int domain, int type, int protocol)') as Call<[number, number, number]>,
  bind: library.func('int bind(int fd, void *address, unsigned int length)') as Call<[number, Buffer, number]>,
  connect: library.func('int connect(int fd, void *address, unsigned int length)') as Call<[number, Buffer, number]>,
  send: library.func('intptr_t send(int fd, void *bytes, size_t length, int flags)') as Call<
    [number, Buffer, number, number]
  >,
  recv: library.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)') as Call<
    [number, Buffer, number, number]
  >,
  setsockopt: library.func('int setsockopt(int fd, int level, int name, void *value, unsigned int length)') as Call<
    [number, number, number, Buffer, number]
  >,
  fcntl: library.func('int fcntl(int fd, int command, int argument)') as Call<[number, number, number]>,
  shutdown: library.func('int shutdown(int fd, int how)') as Call<[number, number]>,
  close: library.func('int close(int fd)') as Call<[number]>,
  poll: library.func('int poll(void *fds, unsigned long count, int timeoutMs)') as Call<[Buffer, number, number]>,
};
type Call<Args extends readonly unknown[]> = (...args: Args) => number;

const [AF_INET, SOCK_STREAM, SOCK_NONBLOCK] = [2, 1, 0o4000];
const SHUT_WR = 1;
const F_SETFL = 4;
const [IPPROTO_TCP, TCP_QUICKACK] = [6, 12];
const [SOL_SOCKET, SO_RCVTIMEO, SO_LINGER] = [1, 20, 13];
/** A `struct linger`: none, so that closing is a reset, and no port waits. */
const NO_LINGER = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const [IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT] = [0, 24];
const YES = Buffer.from([1, 0, 0, 0]);
const [EINTR, EINPROGRESS] = [4, 115];
const POLLFD_LENGTH = 8;
const POLL = { in: 1, out: 4 } as const;
const SOCKADDR_LENGTH = 16;
/** Longer than anything here takes: something is broken then. As a `struct timeval` too. */
const PATIENCE_MS = 10_000;
const PATIENCE = Buffer.alloc(16);
PATIENCE.writeBigInt64LE(BigInt(PATIENCE_MS / 1000));

/** A `struct sockaddr_in`. */
export function socketAddress(ip: string, port: number): Buffer {
  const address = Buffer.alloc(SOCKADDR_LENGTH);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set(ip.split('.').map(Number), 4);
  return address;
}

/** An open connection. */
export function openConnection(address: Buffer): number {
  const fd = checked('socket', libc.socket(AF_INET, SOCK_STREAM, 0));
  checked('setsockopt', libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, PATIENCE, PATIENCE.length));
  checked('connect', libc.connect(fd, address, SOCKADDR_LENGTH));
  return fd;
}

/**
 * So many open connections from one of this machine's addresses, `concurrentCount` of them opened at a time. Half of an address's
 * ports go fast; for the others the kernel searches long.
 */
export function openConnections(from: Buffer, address: Buffer, count: number, concurrentCount: number): number[] {
  const opened: number[] = [];
  while (opened.length < count) {
    const batchCount = Math.min(concurrentCount, count - opened.length);
    const polled = Buffer.alloc(batchCount * POLLFD_LENGTH);
    for (let slot = 0; slot < batchCount; slot++) beginConnection(polled, slot, address, from);
    for (let openCount = 0; openCount < batchCount;) {
      if (ready(polled, batchCount) === 0) throw new Error('no answer');
      for (let at = 0; at < polled.length; at += POLLFD_LENGTH) {
        if (polled.readInt16LE(at + 6) === 0) continue;
        if (polled.readInt16LE(at + 6) !== POLL.out) throw new Error('a connection was refused');
        const fd = polled.readInt32LE(at);
        checked('fcntl', libc.fcntl(fd, F_SETFL, 0)); // it blocks from now on
        checked('setsockopt', libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, PATIENCE, PATIENCE.length));
        opened.push(fd);
        openCount += forget(polled, at);
      }
    }
  }
  return opened;
}

export function sendAll(fd: number, bytes: Buffer): void {
  if (checked('send', libc.send(fd, bytes, bytes.length, 0)) !== bytes.length) throw new Error('sent in part');
}

/** Fills the buffer. */
export function receiveAll(fd: number, buffer: Buffer): void {
  for (let length = 0; length < buffer.length;) {
    const rest = buffer.subarray(length);
    const count = checked('recv', libc.recv(fd, rest, rest.length, 0));
    if (count === 0) throw new Error('the connection has ended');
    length += count;
  }
}

/** What has come is acknowledged now, not with the next question: so every exchange has the same segments. */
export function acknowledgeNow(fd: number): void {
  checked('setsockopt', libc.setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, YES, YES.length));
}

export function closeConnection(fd: number): void {
  libc.close(fd);
}

export function resetConnection(fd: number): void {
  checked('setsockopt', libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, NO_LINGER, NO_LINGER.length));
  libc.close(fd);
}

/**
 * Opens connections and closes them again in good order, `concurrentCount` at a time, the client first: both ends have seen
 * the other's end when one is counted. Answers how many were in `ms`.
 */
export function openAndClose(address: Buffer, concurrentCount: number, ms: number): number {
  const polled = Buffer.alloc(concurrentCount * POLLFD_LENGTH);
  const rest = Buffer.alloc(16);
  const end = performance.now() + ms;
  let [doneCount, openCount] = [0, concurrentCount];
  for (let slot = 0; slot < concurrentCount; slot++) beginConnection(polled, slot, address);
  while (openCount > 0) {
    if (ready(polled, concurrentCount) === 0) throw new Error('no answer');
    const isOver = performance.now() >= end;
    for (let at = 0; at < polled.length; at += POLLFD_LENGTH) {
      if (polled.readInt16LE(at + 6) === 0) continue;
      const fd = polled.readInt32LE(at);
      if (polled.readInt16LE(at + 4) === POLL.out) {
        checked('shutdown, or connect before it', libc.shutdown(fd, SHUT_WR));
        polled.writeInt16LE(POLL.in, at + 4);
        continue;
      }
      if (checked('recv', libc.recv(fd, rest, rest.length, 0)) !== 0) throw new Error('bytes that nobody asked for');
      libc.close(fd);
      if (!isOver) doneCount++;
      if (!isOver) beginConnection(polled, at / POLLFD_LENGTH, address);
      else openCount -= forget(polled, at);
    }
  }
  return doneCount;
}

function beginConnection(polled: Buffer, slot: number, address: Buffer, from?: Buffer): void {
  const fd = checked('socket', libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (from !== undefined) {
    checked('setsockopt', libc.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, YES, YES.length));
    checked('bind', libc.bind(fd, from, SOCKADDR_LENGTH));
  }
  if (libc.connect(fd, address, SOCKADDR_LENGTH) < 0 && koffi.errno() !== EINPROGRESS) checked('connect', -1);
  const at = slot * POLLFD_LENGTH;
  polled.writeInt32LE(fd, at);
  polled.writeInt16LE(POLL.out, at + 4);
  polled.writeInt16LE(0, at + 6);
}

/** A negative descriptor is not looked at. */
function forget(polled: Buffer, at: number): number {
  polled.writeInt32LE(-1, at);
  polled.writeInt16LE(0, at + 6);
  return 1;
}

/** How many of the descriptors something has happened to. A signal, such as a profiler's, is no reason to stop waiting. */
function ready(polled: Buffer, count: number): number {
  for (;;) {
    const readyCount = libc.poll(polled, count, PATIENCE_MS);
    if (readyCount >= 0 || koffi.errno() !== EINTR) return checked('poll', readyCount);
  }
}

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed: errno ${koffi.errno()}`);
  return result;
}
