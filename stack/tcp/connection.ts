// One connection: one input changes the record, then poll is asked until it says 'wait'.
//
// A segment comes in through arrival.ts (acknowledge.ts, receive.ts) and leaves through send.ts and compose.ts. What the
// rest of the stack needs of this layer is exported here.

import { arrive } from './arrival.js';
import { meetDeadlines } from './deadlines.js';
import { configure } from './configure.js';
import { abort, close } from './lifecycle.js';
import { isFull } from './acknowledge.js';
import { hearNetwork } from './network-report.js';
import { nextSegment } from './send.js';
import { enqueue } from './send-queue.js';
import type { TcpInput, TcpOutput, TcpRecord } from './state.js';
import { nextDeadline } from './timers.js';

export { sendQueueLength } from './acknowledge.js';
export { openActive, openAnsweredPassive, openPassive, type TcpSeed } from './handshake.js';
export { resume, suspend } from './moving.js';
export { receiveOffsetOf, sendOffsetOf, sequenceOfReceiveOffset, sequenceOfSendOffset } from './offsets.js';
export { read } from './receive.js';
export { windowField } from './window.js';

const WRITABLE = Object.freeze<TcpOutput>({ kind: 'event', event: { kind: 'writable' } });
const FOREVER: TcpOutput = Object.freeze({ kind: 'wait', until: Infinity });

/** Takes one input. Writing after closing is a defect of the caller and throws; on a closed connection it is ignored. */
export function handle(record: TcpRecord, now: number, input: TcpInput): void {
  switch (input.kind) {
    case 'segment':
      if (!record.suspended) arrive(record, now, input.segment);
      break;
    case 'network-report':
      if (!record.suspended) hearNetwork(record, now, input.report);
      break;
    case 'write':
      write(record, input.bytes);
      break;
    case 'close':
      close(record);
      break;
    case 'abort':
      abort(record);
      break;
    case 'configure':
      configure(record, now, input.choices);
      break;
    case 'deadline':
      if (!record.suspended) meetDeadlines(record, now);
      break;
  }
}

/** The next output. 'closed' comes after the last segment of the connection, but before TIME-WAIT is over. */
export function poll(record: TcpRecord, now: number): TcpOutput {
  const event = record.events.length > 0 ? record.events.shift() : undefined;
  if (event !== undefined) {
    // The room of an array that has been filled once is kept: a sixteenth of what an idle connection takes.
    if (record.events.length === 0) record.events = [];
    return { kind: 'event', event };
  }
  if (!record.suspended) {
    const segment = record.outbox.length > 0 ? record.outbox.shift() : nextSegment(record, now);
    if (segment !== undefined) return { kind: 'transmit', segment };
  }
  if (record.closeReason !== undefined && !record.closeTold) {
    record.closeTold = true;
    return { kind: 'event', event: { kind: 'closed', reason: record.closeReason } };
  }
  // Only now: what could leave has left.
  const wasFull = record.send.full;
  record.send.full = isFull(record);
  if (wasFull && !record.send.full) return WRITABLE;
  return record.suspended ? FOREVER : { kind: 'wait', until: nextDeadline(record.timers) };
}

/** Nothing is copied: the bytes must not change until they are acknowledged. */
function write(record: TcpRecord, bytes: Uint8Array): void {
  const { send } = record;
  if (record.state === 'closed') return;
  if (send.finOffset !== undefined) throw new Error('write after close');
  enqueue(send.queue, bytes);
  send.endOffset += bytes.length;
}
