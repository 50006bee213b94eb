// What is in flight, and since when: ranges of offsets from the first unacknowledged byte to the next one to be sent.
//
// Only where selective acknowledgments were agreed. Whatever leaves at about the same time is one range, so a super-segment
// is no more than a segment, and a burst no more than either; ranges are numbers in three arrays, since they change with
// every acknowledgment. What the peer says out of order cuts them up.
//   G1. The ranges cover exactly [startOffset, nextOffset), or there are none. Each has its marks, 'sacked' and 'lost' never
//       together.
//   G2. There are at most as many as the limit says, whatever the peer sends: a block that would take one more is not
//       taken, and what is sent then joins the last range. Both only make us send more than needed.

export interface Flight {
  /** Where the first range begins. */
  startOffset: number;
  /** Of each range, from `head` on: where it ends, exclusive; when it was last sent; a union of MARK bits. */
  ends: number[];
  sentAt: number[];
  marks: number[];
  head: number;
  /** When the first of what the last range holds was sent. */
  lastBeganAt: number;
  /** Bytes with the mark 'sacked', and with the mark 'lost'. */
  sackedLength: number;
  lostLength: number;
}

/** 'sacked': the peer says that it has it. 'lost': to be sent again. 'repeated': was sent more than once. */
export const MARK = { sacked: 1, lost: 2, repeated: 4 } as const;

const COMPACT_COUNT = 64;

export function emptyFlight(): Flight {
  return { startOffset: 0, ends: [], sentAt: [], marks: [], head: 0, lastBeganAt: 0, sackedLength: 0, lostLength: 0 };
}

export function clearFlight(flight: Flight): void {
  flight.ends.length = 0;
  flight.sentAt.length = 0;
  flight.marks.length = 0;
  flight.head = 0;
  flight.sackedLength = 0;
  flight.lostLength = 0;
}

/**
 * How many ranges there are.
 *
 * @internal
 */
export function rangeCount(flight: Flight): number {
  return flight.ends.length - flight.head;
}

/** Where the range at `index` begins. */
export function rangeStart(flight: Flight, index: number): number {
  return index === flight.head ? flight.startOffset : (flight.ends[index - 1] as number);
}

/** [from, end) has been sent, right behind the last range. */
export function noteSent(
  flight: Flight,
  now: number,
  from: number,
  end: number,
  marks: number,
  quantumMs: number,
  maxCount: number,
): void {
  const last = flight.ends.length - 1;
  if (last < flight.head) {
    flight.startOffset = from;
  } else if (flight.marks[last] === marks && now - flight.lastBeganAt <= quantumMs) {
    flight.ends[last] = end;
    flight.sentAt[last] = now;
    return;
  } else if (rangeCount(flight) >= maxCount) {
    setMarks(flight, last, marks | ((flight.marks[last] as number) & MARK.repeated)); // G2
    flight.ends[last] = end;
    flight.sentAt[last] = now;
    return;
  }
  flight.ends.push(end);
  flight.sentAt.push(now);
  flight.marks.push(marks);
  flight.lastBeganAt = now;
}

/**
 * What begins at the range `index` has been sent again, up to `end`. Where no further range may be made, the whole of it
 * counts as sent: that it was not is found out like a loss.
 */
export function noteRepeated(flight: Flight, now: number, index: number, end: number, maxCount: number): void {
  const before = index - 1;
  const rangeEnd = flight.ends[index] as number;
  const start = rangeStart(flight, index);
  if (before >= flight.head && flight.marks[before] === MARK.repeated) {
    const full = rangeCount(flight) >= maxCount && end < rangeEnd;
    if (flight.sentAt[before] === now || full) {
      // Joins what was sent again before it.
      flight.ends[before] = end;
      flight.sentAt[before] = now;
      if (((flight.marks[index] as number) & MARK.lost) !== 0) flight.lostLength -= end - start;
      if (end >= rangeEnd) removeRange(flight, index);
      return;
    }
  }
  if (end < rangeEnd) splitRange(flight, index, end, maxCount);
  setMarks(flight, index, MARK.repeated);
  flight.sentAt[index] = now;
}

/** Everything below `offset` is acknowledged: forgets it. */
export function dropBelow(flight: Flight, offset: number): void {
  while (flight.head < flight.ends.length && (flight.ends[flight.head] as number) <= offset) {
    countMarks(flight, flight.head, flight.startOffset, -1);
    flight.startOffset = flight.ends[flight.head] as number;
    flight.head++;
  }
  if (flight.head === flight.ends.length) {
    clearFlight(flight);
    return;
  }
  if (flight.startOffset < offset) {
    const marks = flight.marks[flight.head] as number;
    if ((marks & MARK.sacked) !== 0) flight.sackedLength -= offset - flight.startOffset;
    if ((marks & MARK.lost) !== 0) flight.lostLength -= offset - flight.startOffset;
    flight.startOffset = offset;
  }
  if (flight.head >= COMPACT_COUNT && flight.head * 2 >= flight.ends.length) compact(flight);
}

/** The range that holds `offset`; the one behind the last where none does. */
export function locate(flight: Flight, offset: number): number {
  let low = flight.head;
  let high = flight.ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((flight.ends[middle] as number) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cuts the range in two at `offset`, inside it; answers whether there was room for one more. */
export function splitRange(flight: Flight, index: number, offset: number, maxCount: number): boolean {
  if (rangeCount(flight) >= maxCount) return false; // G2
  flight.ends.splice(index, 0, offset);
  flight.sentAt.splice(index, 0, flight.sentAt[index] as number);
  flight.marks.splice(index, 0, flight.marks[index] as number);
  return true;
}

/** Replaces the marks of a range, and keeps the sums. */
export function setMarks(flight: Flight, index: number, marks: number): void {
  const start = rangeStart(flight, index);
  countMarks(flight, index, start, -1);
  flight.marks[index] = marks;
  countMarks(flight, index, start, 1);
}

/** Joins the range with the one before it where nothing tells them apart any more. */
export function joinBefore(flight: Flight, index: number): boolean {
  const before = index - 1;
  if (before < flight.head || flight.marks[before] !== flight.marks[index]) return false;
  flight.sentAt[index] = Math.max(flight.sentAt[before] as number, flight.sentAt[index] as number);
  flight.ends[before] = flight.ends[index] as number;
  flight.sentAt[before] = flight.sentAt[index];
  removeRange(flight, index);
  return true;
}

function removeRange(flight: Flight, index: number): void {
  flight.ends.splice(index, 1);
  flight.sentAt.splice(index, 1);
  flight.marks.splice(index, 1);
}

function countMarks(flight: Flight, index: number, start: number, sign: 1 | -1): void {
  const marks = flight.marks[index] as number;
  if ((marks & (MARK.sacked | MARK.lost)) === 0) return;
  const length = sign * ((flight.ends[index] as number) - start);
  if ((marks & MARK.sacked) !== 0) flight.sackedLength += length;
  else flight.lostLength += length;
}

function compact(flight: Flight): void {
  const { head } = flight;
  flight.ends.splice(0, head);
  flight.sentAt.splice(0, head);
  flight.marks.splice(0, head);
  flight.head = 0;
}
