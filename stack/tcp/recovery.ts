// Recovery with selective acknowledgments: what an acknowledgment means for the congestion window (RFC 6675's pipe, and
// proportional rate reduction, RFC 6937). What is lost, rack.ts says; what is sent again, resend.ts.
//
//   V1. One recovery gives one reduction: it lasts until all that was sent when it began is acknowledged. A loss of what was
//       first sent after that gives another one (RFC 5681 section 4.3), also where it was repaired in the meantime.
//   V2. During recovery the window follows what has arrived, towards the threshold and never far beyond it at once.

import type { Segment } from '../wire/segment.js';
import { advanceAcknowledged, echoesThisPath } from './progress.js';
import { segmentLength } from './compose.js';
import { controllerOf } from './congestion/select.js';
import { isReducedForMarks } from './explicit-congestion.js';
import { growWindow } from './loss.js';
import { detectLosses, mayHaveLosses, noteDuplicate, noteRecovered } from './rack.js';
import { sampleRtt } from './rtt.js';
import { pipeLength, takeBlocks, takeCumulative } from './scoreboard.js';
import type { TcpRecord } from './state.js';
import { armTailProbe, forgetTailProbe, tailProbeAnswer } from './tail-probe.js';

/** Takes the acknowledgment of everything below `acknowledged`, and the blocks beside it. */
export function acknowledgeSelectively(record: TcpRecord, now: number, segment: Segment, acknowledged: number): void {
  const { send, flight, rtt, config } = record;
  const { timestamps, sackBlocks } = segment.options;
  const echo = record.timestamps.enabled ? timestamps?.echo : undefined;
  const isNew = acknowledged > send.unacknowledgedOffset;
  const pipe = pipeLength(record);
  const outstandingLength = send.nextOffset - send.unacknowledgedOffset;
  const deliveredBefore = send.unacknowledgedOffset + flight.sackedLength;
  if (isNew) {
    const roundTripMs = takeCumulative(record, now, acknowledged, echo);
    if (roundTripMs !== undefined) sampleRtt(rtt, config, roundTripMs);
    advanceAcknowledged(record, now, acknowledged);
  }
  let duplicateEnd = -1;
  // After a move: the peer has forgotten what it reported before it.
  if (sackBlocks !== undefined && (echo === undefined || echoesThisPath(record, now, echo))) {
    duplicateEnd = takeBlocks(record, now, sackBlocks);
    if (duplicateEnd >= 0) noteDuplicate(record);
  }
  if (
    record.tailProbe.endOffset !== undefined &&
    tailProbeAnswer(record, segment, acknowledged, { isNew, duplicateEnd }) === 'repaired'
  ) {
    reduceOnce(record, now, outstandingLength);
  }
  if (mayHaveLosses(record)) detectLosses(record, now);
  else record.timers.reorderingAt = Infinity;
  const deliveredLength = send.unacknowledgedOffset + flight.sackedLength - deliveredBefore;
  respond(record, now, deliveredLength, { pipe, outstandingLength });
  if (isNew || sackBlocks !== undefined) armTailProbe(record, now);
}

/** The timer for reordering has come: what was still waited for is lost. */
export function reorderingTimeout(record: TcpRecord, now: number): void {
  detectLosses(record, now);
  const outstandingLength = record.send.nextOffset - record.send.unacknowledgedOffset;
  respond(record, now, 0, { pipe: pipeLength(record), outstandingLength });
}

/** `deliveredLength` more has arrived; `before` that so much was in the network, and so much not acknowledged. */
function respond(
  record: TcpRecord,
  now: number,
  deliveredLength: number,
  before: { readonly pipe: number; readonly outstandingLength: number },
): void {
  const { send, loss, flight, congestion } = record;
  switch (loss.phase) {
    case 'open':
      if (flight.lostLength > 0) {
        beginRecovery(record, now, deliveredLength, send.nextOffset - send.unacknowledgedOffset);
      } else if (deliveredLength > 0 && flight.sackedLength === 0) {
        growWindow(record, now, deliveredLength, before.pipe);
      }
      return;
    case 'fast-recovery':
      if (send.unacknowledgedOffset < loss.recoverOffset) {
        reduceProportionally(record, deliveredLength);
      } else {
        congestion.windowLength = congestion.slowStartThresholdLength;
        endRecovery(record, now, deliveredLength, before.outstandingLength);
      }
      return;
    case 'timeout':
      if (deliveredLength > 0) growWindow(record, now, deliveredLength, before.pipe);
      if (send.unacknowledgedOffset < loss.recoverOffset) return;
      endRecovery(record, now, deliveredLength, before.outstandingLength);
  }
}

function endRecovery(record: TcpRecord, now: number, deliveredLength: number, outstandingLength: number): void {
  const { send, loss } = record;
  loss.phase = 'open';
  noteRecovered(record);
  if (!loss.anotherLost) return;
  // V1; where nothing is outstanding any more there is nothing to recover.
  if (send.nextOffset > send.unacknowledgedOffset) beginRecovery(record, now, deliveredLength, outstandingLength);
  else reduceOnce(record, now, outstandingLength);
}

function beginRecovery(record: TcpRecord, now: number, deliveredLength: number, flightLength: number): void {
  const { send, loss, flight, rtt } = record;
  loss.recoveryFlightLength = flightLength;
  reduceOnce(record, now, flightLength);
  loss.phase = 'fast-recovery';
  loss.recoverOffset = send.highestOffset; // V1
  loss.anotherLost = false;
  loss.recoveryDeliveredLength = 0;
  loss.recoverySentLength = 0;
  send.retransmitPending = flight.lostLength > 0; // the first retransmission waits for no window
  rtt.timedOffset = undefined; // Karn
  forgetTailProbe(record);
  reduceProportionally(record, deliveredLength);
}

/** The controller's answer to one loss. Beyond the window is what limited transmit let out: that is no measure. */
function reduceOnce(record: TcpRecord, now: number, outstandingLength: number): void {
  const { congestion, congestionMarks } = record;
  congestionMarks.reductionUntold = congestionMarks.agreed;
  if (isReducedForMarks(record)) return;
  const flightLength = Math.min(congestion.windowLength, outstandingLength);
  controllerOf(congestion).lost(congestion, now, flightLength, segmentLength(record));
  congestion.windowLength = Math.min(congestion.windowLength, congestion.slowStartThresholdLength);
}

/** V2 (RFC 6937 section 3, with its slow start reduction bound). */
function reduceProportionally(record: TcpRecord, deliveredLength: number): void {
  const { loss, congestion } = record;
  const pipe = pipeLength(record);
  const thresholdLength = congestion.slowStartThresholdLength;
  loss.recoveryDeliveredLength += deliveredLength;
  const { recoveryDeliveredLength, recoverySentLength, recoveryFlightLength } = loss;
  let length: number;
  if (pipe > thresholdLength) {
    length = Math.ceil((recoveryDeliveredLength * thresholdLength) / recoveryFlightLength) - recoverySentLength;
  } else {
    const limit = Math.max(recoveryDeliveredLength - recoverySentLength, deliveredLength) + segmentLength(record);
    length = Math.min(thresholdLength - pipe, limit);
  }
  congestion.windowLength = pipe + Math.max(0, length);
}
