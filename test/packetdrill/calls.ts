// System calls: which there are, and those by which sockets and connections come and go.

import { DONE, fails, type Frame, type Outcome, WAITS } from './call-frame.js';
import { available, readCall, writeCall } from './data-calls.js';
import { fcntlCall, getOption, setOption } from './option-calls.js';
import { type Socket, Stream } from './sockets.js';

/** Throws `NotExpressible`. Called again for a call that waits, until it ends. */
export function carryOut(frame: Frame): Outcome {
  const perform = CALLS.get(frame.call.name);
  if (perform === undefined) throw frame.unable(`the system call ${frame.call.name}`);
  if (frame.call.name !== 'socket' && frame.world.sockets.get(frame.number(0)) === undefined) return fails('EBADF');
  return perform(frame);
}

const CALLS: ReadonlyMap<string, (frame: Frame) => Outcome> = new Map([
  ['socket', socketCall],
  ['bind', () => DONE],
  ['listen', listenCall],
  ['accept', acceptCall],
  ['accept4', acceptCall],
  ['connect', connectCall],
  ['close', closeCall],
  ['shutdown', shutdownCall],
  ['write', writeCall],
  ['send', writeCall],
  ['sendto', writeCall],
  ['read', readCall],
  ['recv', readCall],
  ['recvfrom', readCall],
  ['ioctl', available],
  ['fcntl', fcntlCall],
  ['setsockopt', setOption],
  ['getsockopt', getOption],
]);

function socketCall(frame: Frame): Outcome {
  const kinds = frame.names(1);
  if (!kinds.includes('SOCK_STREAM')) throw frame.unable('a socket that is not SOCK_STREAM');
  if (!['IPPROTO_TCP', 'IPPROTO_IP'].includes(frame.names(2)[0] ?? 'IPPROTO_TCP')) {
    throw frame.unable('a protocol that is not TCP');
  }
  const number = frame.wantedResult() ?? 3;
  frame.world.sockets.add(number, { kind: 'none' }, kinds.includes('SOCK_NONBLOCK') ? 'fails' : 'blocks');
  return { kind: 'returns', value: number };
}

function listenCall(frame: Frame): Outcome {
  const { socket } = frame;
  if (socket.role.kind !== 'none') return socket.role.kind === 'listener' ? DONE : fails('EINVAL');
  const backlog: Stream[] = [];
  const listener = frame.world.subject.listen(socket.options, (connection) => {
    const stream = new Stream();
    stream.connection = connection;
    stream.isOpen = true;
    connection.onEvent = (event) => stream.take(event);
    backlog.push(stream);
  });
  socket.role = { kind: 'listener', listener, backlog };
  return DONE;
}

function acceptCall(frame: Frame): Outcome {
  const { socket } = frame;
  if (socket.role.kind !== 'listener') return fails('EINVAL');
  const stream = socket.role.backlog.shift();
  if (stream === undefined) return frame.wait();
  const number = frame.wantedResult() ?? 4;
  const flags = frame.call.name === 'accept4' ? frame.names(3) : [];
  const accepted = frame.world.sockets.add(
    number,
    { kind: 'stream', stream },
    flags.includes('SOCK_NONBLOCK') ? 'fails' : 'blocks',
  );
  accepted.options = { ...socket.options };
  accepted.keepAlive = socket.keepAlive;
  return { kind: 'returns', value: number };
}

function connectCall(frame: Frame): Outcome {
  const { socket } = frame;
  if (socket.role.kind === 'none') return beginConnect(frame, socket);
  if (socket.role.kind === 'listener') return fails('EISCONN');
  const { stream } = socket.role;
  if (stream.failure !== undefined) return fails(stream.takeFailure());
  if (stream.isOver) return fails('ECONNABORTED');
  if (!stream.isOpen) return socket.waiting === 'blocks' ? WAITS : fails('EALREADY');
  return DONE;
}

function beginConnect(frame: Frame, socket: Socket): Outcome {
  const stream = new Stream();
  socket.role = { kind: 'stream', stream };
  stream.connection = frame.world.subject.connect(socket.options, (event) => stream.take(event));
  return socket.waiting === 'blocks' ? WAITS : fails('EINPROGRESS');
}

/** As the socket layer ends a stream that is destroyed: what was written is delivered, unless input is left unread. */
function closeCall(frame: Frame): Outcome {
  const { socket } = frame;
  frame.world.sockets.remove(frame.number(0));
  const { subject } = frame.world;
  if (socket.role.kind === 'listener') {
    subject.unlisten(socket.role.listener);
    for (const { connection } of socket.role.backlog) if (connection !== undefined) subject.abort(connection);
  }
  if (socket.role.kind !== 'stream') return DONE;
  const { stream } = socket.role;
  const { connection } = stream;
  if (connection === undefined || stream.isOver) return DONE;
  const hasUnread = stream.unreadLength > 0 || subject.read(connection) !== undefined;
  if (socket.closing === 'reset' || hasUnread || !stream.isOpen) {
    subject.abort(connection);
    return DONE;
  }
  connection.onEvent = (event) => {
    // Nobody reads any more.
    if (event.kind === 'readable') while (subject.read(connection) !== undefined);
  };
  subject.end(connection);
  return DONE;
}

function shutdownCall(frame: Frame): Outcome {
  const { stream } = frame;
  if (stream?.connection === undefined || !stream.isOpen || stream.isOver) return fails('ENOTCONN');
  const how = frame.names(1)[0];
  if (how !== 'SHUT_RD') {
    stream.writing = 'shut';
    frame.world.subject.end(stream.connection);
  }
  if (how !== 'SHUT_WR') stream.reading = 'shut';
  return DONE;
}
