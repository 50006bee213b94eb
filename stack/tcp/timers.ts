// The table of deadlines: one named entry per timer, Infinity while it does not run.
//
// A timer is a number in the record, so it can be saved and shown; the host asks for the earliest and comes back then.

export interface Timers {
  /** Data, FIN or SYN is unacknowledged: send it again (RFC 6298). */
  retransmissionAt: number;
  /** What was sent before something that has arrived is lost unless it arrives by then (RFC 8985 section 6). */
  reorderingAt: number;
  /** Nothing tells whether the end of the flight has arrived: probe (RFC 8985 section 7). */
  tailProbeAt: number;
  /** The peer's window is too small for what waits: probe it (RFC 9293 section 3.8.6.1). */
  persistAt: number;
  /** In-order data waits for its acknowledgment (RFC 9293 section 3.8.6.3). */
  delayedAckAt: number;
  /** Nothing was heard: ask whether the peer is there (RFC 9293 section 3.8.4). */
  keepAliveAt: number;
  /** TIME-WAIT ends. */
  timeWaitAt: number;
}

export function idleTimers(): Timers {
  return {
    retransmissionAt: Infinity,
    reorderingAt: Infinity,
    tailProbeAt: Infinity,
    persistAt: Infinity,
    delayedAckAt: Infinity,
    keepAliveAt: Infinity,
    timeWaitAt: Infinity,
  };
}

/** The earliest deadline; Infinity when no timer runs. */
export function nextDeadline(timers: Timers): number {
  return Math.min(
    timers.retransmissionAt,
    timers.reorderingAt,
    timers.tailProbeAt,
    timers.persistAt,
    timers.delayedAckAt,
    timers.keepAliveAt,
    timers.timeWaitAt,
  );
}

export function stopTimers(timers: Timers): void {
  timers.retransmissionAt = Infinity;
  timers.reorderingAt = Infinity;
  timers.tailProbeAt = Infinity;
  timers.persistAt = Infinity;
  timers.delayedAckAt = Infinity;
  timers.keepAliveAt = Infinity;
  timers.timeWaitAt = Infinity;
}
