// The window that we advertise.
//
//   W1. Its right edge never goes back, in what we accept (RFC 9293 SHLD-14, RFC 7323 section 2.4): rounding to the unit
//       of the field may show less than the edge, never move it.
//   W2. The edge moves only by a worthwhile step (receiver's silly-window avoidance, RFC 9293 MUST-39).

import { MAX_WINDOW_FIELD, MAX_WINDOW_SHIFT } from './config.js';
import type { TcpRecord } from './state.js';

/** The shift that lets the field express `bufferLength`. */
export function windowShift(bufferLength: number): number {
  let shift = 0;
  while (shift < MAX_WINDOW_SHIFT && MAX_WINDOW_FIELD * 2 ** shift < bufferLength) shift++;
  return shift;
}

/** What to write into a segment's window field now; the window counts as advertised. The field of a SYN is never scaled. */
export function windowField(record: TcpRecord, purpose: { readonly forSyn: boolean }): number {
  return advertiseWindow(record, purpose.forSyn ? 1 : record.receive.windowUnitLength);
}

export function advertiseWindow(record: TcpRecord, unitLength: number): number {
  const { receive } = record;
  const edge = possibleEdge(record, unitLength);
  if (edge - receive.edgeOffset >= worthwhileStep(record)) receive.edgeOffset = edge; // W1, W2
  const length = Math.max(0, receive.edgeOffset - receive.nextOffset);
  return Math.min(MAX_WINDOW_FIELD, Math.floor(length / unitLength));
}

/** Whether reading has opened the window so far that the peer should hear of it without waiting for its next segment. */
export function windowUpdateDue(record: TcpRecord): boolean {
  const { receive } = record;
  if (receive.finOffset !== undefined) return false;
  const edge = possibleEdge(record, receive.windowUnitLength);
  if (edge - receive.edgeOffset < worthwhileStep(record)) return false;
  // While most of the window is still open the next acknowledgment is soon enough.
  return edge - receive.nextOffset >= 2 * (receive.edgeOffset - receive.nextOffset);
}

function possibleEdge({ receive }: TcpRecord, unitLength: number): number {
  return Math.min(receive.readOffset + receive.tuning.windowLength, receive.nextOffset + MAX_WINDOW_FIELD * unitLength);
}

function worthwhileStep({ config }: TcpRecord): number {
  return Math.min(config.receiveBufferLength / 2, config.maximumSegmentSize);
}
