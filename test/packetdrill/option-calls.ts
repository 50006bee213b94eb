// Options of sockets, as far as our TCP has their like.

import type { ConnectionChoices } from '@migratory/stack/internal/tcp/configure.js';
import type { TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import { DONE, type Frame, namesOf, type Outcome } from './call-frame.js';
import { takeFailure } from './calls.js';
import type { Socket } from './sockets.js';

const NON_BLOCKING = 'O_NONBLOCK';

/** They change nothing that a segment shows. */
const IRRELEVANT_OPTIONS = new Set([
  'IP_BIND_ADDRESS_NO_PORT',
  'SO_BINDTODEVICE',
  'SO_DEBUG',
  'SO_MARK',
  'SO_PRIORITY',
  'SO_REUSEADDR',
  'SO_REUSEPORT',
]);

export function fcntlCall(frame: Frame): Outcome {
  const { socket } = frame;
  switch (frame.names(1)[0]) {
    case 'F_GETFL': {
      const { result } = frame.call;
      // O_RDWR, as the script names it.
      return { kind: 'returns', value: result.kind === 'number' ? result.value : 2 };
    }
    case 'F_SETFL':
      socket.waiting = frame.names(2).includes(NON_BLOCKING) ? 'fails' : 'blocks';
      return DONE;
    default:
      throw frame.unable(`fcntl with ${frame.names(1).join('|')}`);
  }
}

export function setOption(frame: Frame): Outcome {
  const { socket } = frame;
  const name = frame.names(2)[0] ?? '';
  if (IRRELEVANT_OPTIONS.has(name)) return DONE;
  if (name === 'SO_LINGER') return setLinger(frame, socket);
  const value = frame.innerNumber(3);
  if (value === undefined) throw frame.unable(`setsockopt ${name} with a value that is no number`);
  const before = beforeOpening(name, value);
  if (before !== undefined) {
    if (socket.role.kind !== 'none') throw frame.unable(`setsockopt ${name} on a socket that is in use`);
    socket.options = { ...socket.options, ...before };
    return DONE;
  }
  const choices = choicesOf(name, value, socket);
  if (choices === undefined) throw frame.unable(`setsockopt ${name}`);
  socket.options = { ...socket.options, ...choices };
  const { stream } = frame;
  if (stream?.connection !== undefined) frame.world.subject.configure(stream.connection, choices);
  return DONE;
}

/** What a handshake tells the peer. */
function beforeOpening(name: string, value: number): Partial<TcpConfig> | undefined {
  switch (name) {
    case 'TCP_MAXSEG':
      return { maximumSegmentSize: value };
    case 'SO_RCVBUF':
      return { receiveBufferLength: value, initialReceiveWindowLength: value };
    default:
      return undefined;
  }
}

/** What can be chosen at any time. */
function choicesOf(name: string, value: number, socket: Socket): ConnectionChoices | undefined {
  switch (name) {
    case 'TCP_NODELAY':
      return { noDelay: value !== 0 };
    case 'SO_KEEPALIVE':
      socket.keepAlive = { ...socket.keepAlive, mode: value !== 0 ? 'on' : 'off' };
      return keptAlive(socket);
    case 'TCP_KEEPIDLE':
      socket.keepAlive = { ...socket.keepAlive, idleMs: value * 1000 };
      return keptAlive(socket);
    case 'TCP_KEEPINTVL':
      return { keepAliveIntervalMs: value * 1000 };
    case 'TCP_KEEPCNT':
      return { keepAliveProbeCount: value };
    case 'TCP_USER_TIMEOUT':
      return { userTimeoutMs: value };
    default:
      return undefined;
  }
}

function keptAlive({ keepAlive }: Socket): ConnectionChoices {
  return { keepAliveIdleMs: keepAlive.mode === 'on' ? keepAlive.idleMs : Infinity };
}

function setLinger(frame: Frame, socket: Socket): Outcome {
  const value = frame.argument(3);
  const struct = value.kind === 'list' ? value.items[0] : value;
  if (struct?.kind !== 'struct') throw frame.unable('setsockopt SO_LINGER without onoff and linger');
  const [onoff, linger] = ['onoff', 'linger'].map((name) => struct.fields.get(name));
  const isOn = onoff?.kind === 'number' && onoff.value !== 0;
  const isZero = linger?.kind === 'number' && linger.value === 0;
  if (isOn && !isZero) throw frame.unable('SO_LINGER with a time');
  socket.closing = isOn ? 'reset' : 'orderly';
  return DONE;
}

export function getOption(frame: Frame): Outcome {
  const name = frame.names(2)[0] ?? '';
  const { stream } = frame;
  const argument = frame.argument(3);
  const inner = argument.kind === 'list' && argument.items.length === 1 ? argument.items[0] : argument;
  // The script told us with its first one how long it is.
  if (name === 'SO_RCVBUF' && frame.innerNumber(3) === frame.world.receiveBufferLength) return DONE;
  if (stream === undefined) throw frame.unable(`getsockopt ${name} without a connection`);
  if (inner === undefined || inner.kind === 'ellipsis') return DONE;
  const names = namesOf(inner);
  const wanted = inner.kind === 'number' ? inner.value : (names[0] ?? '');
  let found: number | string;
  switch (name) {
    case 'SO_ERROR':
      found = stream.failure === undefined ? 0 : takeFailure(stream);
      break;
    case 'TCP_MAXSEG':
      found = stream.connection?.record.tcp.send.maximumSegmentSize ?? 0;
      break;
    case 'TCP_NODELAY':
      found = stream.connection?.record.tcp.config.noDelay === true ? 1 : 0;
      break;
    default:
      throw frame.unable(`getsockopt ${name}`);
  }
  return wanted === found ? DONE : { kind: 'differs', what: `${name} is ${found}` };
}
