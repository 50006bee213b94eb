// What a user can choose for one connection while it lives: Nagle's algorithm (RFC 9293 MUST-17), keep-alives (MUST-24,
// MUST-27), and when it is given up (MUST-21). Anything else is settled when the connection opens.

import type { Reader, Writer } from '../wire/cursor.js';
import type { ConnectionChoices, TcpConfig } from './config.js';
import type { TcpRecord } from './state.js';

/** Shared by the connections for which nobody has chosen anything. */
export const NO_CHOICES: ConnectionChoices = Object.freeze({});

export function configure(record: TcpRecord, now: number, choices: ConnectionChoices): void {
  record.config = withChoices(record.config, choices);
  record.choices = { ...record.choices, ...choices };
  restartKeepAlive(record, now);
}

/** The configuration itself where nothing was chosen: it is shared by many. */
export function withChoices(config: TcpConfig, choices: ConnectionChoices): TcpConfig {
  return choices === NO_CHOICES ? config : { ...config, ...choices };
}

/** Keep-alives count from what was last heard, also where they are turned on late; only an open connection has them. */
function restartKeepAlive({ config, timers, state, loss, receive, suspended }: TcpRecord, now: number): void {
  loss.keepAliveCount = 0;
  if (config.keepAliveIdleMs === Infinity) timers.keepAliveAt = Infinity;
  if (suspended || config.keepAliveIdleMs === Infinity) return;
  if (state === 'syn-sent' || state === 'syn-received' || state === 'time-wait' || state === 'closed') return;
  timers.keepAliveAt = Math.max(now, receive.lastReceivedAt + config.keepAliveIdleMs);
}

/** Of each choice that is a number: the bit that says it was made. Their order is that of the numbers in an image. */
const NUMBERS = [
  ['keepAliveIdleMs', 4],
  ['keepAliveIntervalMs', 8],
  ['keepAliveProbeCount', 16],
  ['userTimeoutMs', 32],
] as const;
const NO_DELAY_CHOSEN = 1;
const NO_DELAY = 2;
/** The greatest number of six bytes. */
const INFINITE = 2 ** 48 - 1;

/** At most 25 bytes. */
export function encodeChoices(writer: Writer, choices: ConnectionChoices): void {
  const { noDelay } = choices;
  let made = noDelay === undefined ? 0 : NO_DELAY_CHOSEN | (noDelay ? NO_DELAY : 0);
  for (const [name, bit] of NUMBERS) if (choices[name] !== undefined) made |= bit;
  writer.u8(made);
  for (const [name] of NUMBERS) {
    const value = choices[name];
    if (value !== undefined) writer.u48(Math.min(Math.ceil(value), INFINITE));
  }
}

export function decodeChoices(reader: Reader): ConnectionChoices {
  const made = reader.u8();
  const choices: { -readonly [Name in keyof ConnectionChoices]: ConnectionChoices[Name] } = {};
  if ((made & NO_DELAY_CHOSEN) !== 0) choices.noDelay = (made & NO_DELAY) !== 0;
  for (const [name, bit] of NUMBERS) {
    if ((made & bit) === 0) continue;
    const value = reader.u48();
    choices[name] = value === INFINITE ? Infinity : value;
  }
  return choices;
}
