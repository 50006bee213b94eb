// Reading and writing. The bytes tell their place in the stream, so that what arrives elsewhere is noticed.

import { patterned } from '../support/script.js';
import { fails, type Frame, type Outcome } from './call-frame.js';
import type { Stream } from './sockets.js';

/** More in one call is a mistake in the script. */
const MAX_WRITE_LENGTH = 64 * 1024 * 1024;
const SEND_FLAGS = ['MSG_DONTWAIT', 'MSG_NOSIGNAL'];
const RECEIVE_FLAGS = ['MSG_DONTWAIT'];

export function writeCall(frame: Frame): Outcome {
  const { stream } = frame;
  refuseFlags(frame, SEND_FLAGS);
  if (stream?.connection === undefined) return fails('EPIPE');
  if (stream.failure !== undefined) return fails(stream.takeFailure());
  if (stream.isOver || stream.writing === 'shut') return fails('EPIPE');
  if (!stream.isOpen) return frame.wait();
  const length = frame.number(2);
  if (length < 0 || length > MAX_WRITE_LENGTH) throw frame.unable(`a write of ${length} bytes`);
  const bytes = patterned(stream.writtenLength, length);
  stream.writtenLength += length;
  if (length > 0) frame.world.subject.write(stream.connection, bytes);
  return { kind: 'returns', value: length };
}

export function readCall(frame: Frame): Outcome {
  const { stream } = frame;
  refuseFlags(frame, RECEIVE_FLAGS);
  if (stream?.connection === undefined) return fails('ENOTCONN');
  if (stream.reading === 'shut') return { kind: 'returns', value: 0 };
  const wanted = frame.number(2);
  const got = take(frame, stream, wanted);
  if (got > 0 || wanted === 0) return { kind: 'returns', value: got };
  if (stream.failure !== undefined) return fails(stream.takeFailure());
  if (stream.hasEnded) return { kind: 'returns', value: 0 };
  if (!stream.isOpen) return frame.socket.waiting === 'blocks' ? { kind: 'waits' } : fails('ENOTCONN');
  return frame.wait();
}

function refuseFlags(frame: Frame, known: readonly string[]): void {
  if (frame.call.arguments.length < 4) return;
  const unknown = frame.names(3).find((name) => !known.includes(name));
  if (unknown !== undefined) throw frame.unable(`${frame.call.name} with ${unknown}`);
}

/** Takes up to `wanted` bytes; throws an `Error` where they are not those that the peer sent there. */
function take(frame: Frame, stream: Stream, wanted: number): number {
  const { connection } = stream;
  if (connection === undefined) return 0;
  while (stream.unreadLength < wanted) {
    const chunk = frame.world.subject.read(connection);
    if (chunk === undefined) break;
    stream.unread.push(chunk);
  }
  const all = Buffer.concat(stream.unread);
  const bytes = all.subarray(0, wanted);
  stream.unread = all.length > bytes.length ? [all.subarray(bytes.length)] : [];
  if (!bytes.equals(patterned(stream.readLength, bytes.length))) throw new Error('what was read is not what was sent');
  stream.readLength += bytes.length;
  return bytes.length;
}

/** `ioctl(4, SIOCINQ, [1000])`: what can be read, and what is not acknowledged yet. */
export function available(frame: Frame): Outcome {
  const request = frame.names(1)[0] ?? '';
  const { stream } = frame;
  if (stream?.connection === undefined) return fails('EINVAL');
  const { send, receive } = stream.connection.record.tcp;
  let length: number;
  if (request === 'SIOCINQ' || request === 'FIONREAD') {
    length = stream.unreadLength + (receive.finOffset ?? receive.nextOffset) - receive.readOffset;
  } else if (request === 'SIOCOUTQ' || request === 'TIOCOUTQ') {
    length = send.endOffset - Math.max(0, send.unacknowledgedOffset);
  } else {
    throw frame.unable(`ioctl with ${request}`);
  }
  const wanted = frame.innerNumber(2);
  if (wanted !== undefined && wanted !== length) return { kind: 'differs', what: `${request} gives ${length}` };
  return { kind: 'returns', value: 0 };
}
