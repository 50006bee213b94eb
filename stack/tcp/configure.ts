// What a user can choose for one connection while it lives: Nagle's algorithm (RFC 9293 MUST-17), keep-alives (MUST-24,
// MUST-27), and when it is given up (MUST-21). Anything else is settled when the connection opens.

import type { ConnectionChoices } from './config.js';
import type { TcpRecord } from './state.js';

export function configure(record: TcpRecord, now: number, choices: ConnectionChoices): void {
  record.config = { ...record.config, ...choices };
  restartKeepAlive(record, now);
}

/** Keep-alives count from what was last heard, also where they are turned on late; only an open connection has them. */
function restartKeepAlive({ config, timers, state, loss, receive, suspended }: TcpRecord, now: number): void {
  loss.keepAliveCount = 0;
  if (config.keepAliveIdleMs === Infinity) timers.keepAliveAt = Infinity;
  if (suspended || config.keepAliveIdleMs === Infinity) return;
  if (state === 'syn-sent' || state === 'syn-received' || state === 'time-wait' || state === 'closed') return;
  timers.keepAliveAt = Math.max(now, receive.lastReceivedAt + config.keepAliveIdleMs);
}
