// Limits and defaults of one TCP connection.
//
// Every limit is exact and has its unit in its name. A configuration is plain data and never changes during a connection.

/** Limits and waits of the TCP of one connection. */
export interface TcpConfig {
  /** Payload bytes of one segment without options: what we announce as MSS, and the most we send (RFC 9293 section 3.7.1). */
  readonly maximumSegmentSize: number;
  /** What a peer takes that announces no MSS (RFC 9293 MUST-15: 536 over IPv4, 1220 over IPv6). */
  readonly unannouncedSegmentSize: number;
  /** Most payload bytes of one transmitted segment that the driver cuts into MSS-sized ones; below one MSS it means one MSS. */
  readonly maxSuperSegmentLength: number;
  /** Bytes received in order but not yet read, at most; the largest window that is advertised. */
  readonly receiveBufferLength: number;
  /** The window that is advertised at first; it grows towards `receiveBufferLength` as the path asks for it. */
  readonly initialReceiveWindowLength: number;
  /** Pieces of out-of-order data kept, at most. */
  readonly maxOutOfOrderCount: number;
  /** Ranges of sent data that are told apart by when they left and what the peer says of them, at most. */
  readonly maxFlightRangeCount: number;
  /** Bytes written but not acknowledged: from here on the user is told to stop writing. */
  readonly sendBufferLength: number;
  /**
   * Bytes that could leave but were never sent: from here on the user is told to stop writing. More by default where the
   * driver takes super-segments.
   */
  readonly unsentLength: number;
  /** False turns Nagle's algorithm on (RFC 9293 section 3.7.4). */
  readonly noDelay: boolean;
  /** Offer and accept timestamps (RFC 7323). */
  readonly timestamps: boolean;
  /** Offer and accept selective acknowledgments (RFC 2018); where the peer does too, loss is found by RACK-TLP (RFC 8985). */
  readonly selectiveAcknowledgments: boolean;
  /**
   * Explicit congestion notification (RFC 3168): 'accepted' where the peer offers it. Only with a driver that carries marks.
   */
  readonly explicitCongestion: 'off' | 'accepted' | 'offered';
  /** How the window grows and shrinks: CUBIC (RFC 9438), or as RFC 5681 has it. */
  readonly congestionControl: 'cubic' | 'new-reno';
  /** So long a router is believed that a packet was too big for the path (RFC 1191 section 6.3, RFC 8201 section 4). */
  readonly pathLimitMs: number;
  /** Offer and accept window scaling (RFC 7323). */
  readonly windowScaling: boolean;
  /** An acknowledgment of in-order data waits no longer than this (RFC 9293 MUST-40: under 500 ms). */
  readonly delayedAckMs: number;
  /** So long a peer may keep back the acknowledgment of a single segment, for all that we know. */
  readonly peerAckDelayMs: number;
  /** A tail loss probe (RFC 8985 section 7) waits at least so long: no shorter than a pause of the machine. */
  readonly minTailProbeMs: number;
  /** Retransmission timeout before the first measurement, and its bounds (RFC 6298). */
  readonly initialRtoMs: number;
  readonly minRtoMs: number;
  readonly maxRtoMs: number;
  /** A lost SYN or SYN/ACK makes the timeout start from this once data flows (RFC 6298 section 5.7). */
  readonly rtoAfterSynLossMs: number;
  /** How often a SYN or SYN/ACK is sent again before the attempt is given up: for three minutes at least (RFC 9293 MUST-23). */
  readonly synRetryCount: number;
  /** R1 of RFC 9293 section 3.8.3: from so many timeouts in a row on the user is told of them. */
  readonly troubleTimeoutCount: number;
  /** R2 of RFC 9293 section 3.8.3: without progress for so long, the connection is given up. */
  readonly userTimeoutMs: number;
  /** How long TIME-WAIT lasts (twice the maximum segment lifetime). */
  readonly timeWaitMs: number;
  /** Silence after which keep-alive probes begin; Infinity is off (RFC 9293 MUST-25). */
  readonly keepAliveIdleMs: number;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveProbeCount: number;
  /** Challenge acknowledgments, at most so many in each interval (RFC 5961 section 7). */
  readonly challengeAckCount: number;
  readonly challengeAckIntervalMs: number;
}

/** What of `TcpConfig` may change during a connection. A choice goes with the connection wherever it moves. */
export type ConnectionChoices = Partial<
  Pick<TcpConfig, 'noDelay' | 'keepAliveIdleMs' | 'keepAliveIntervalMs' | 'keepAliveProbeCount' | 'userTimeoutMs'>
>;

export const DEFAULT_TCP_CONFIG: TcpConfig = Object.freeze({
  maximumSegmentSize: 1460,
  unannouncedSegmentSize: 536,
  maxSuperSegmentLength: 0,
  receiveBufferLength: 4 * 1024 * 1024,
  initialReceiveWindowLength: 256 * 1024,
  maxOutOfOrderCount: 2048,
  maxFlightRangeCount: 1024,
  sendBufferLength: 4 * 1024 * 1024,
  unsentLength: 64 * 1024,
  noDelay: true,
  timestamps: true,
  selectiveAcknowledgments: true,
  explicitCongestion: 'accepted',
  congestionControl: 'cubic',
  pathLimitMs: 600_000,
  windowScaling: true,
  delayedAckMs: 40,
  peerAckDelayMs: 200,
  minTailProbeMs: 10,
  initialRtoMs: 1000,
  minRtoMs: 200,
  maxRtoMs: 60_000,
  rtoAfterSynLossMs: 3000,
  synRetryCount: 7,
  troubleTimeoutCount: 3,
  userTimeoutMs: 300_000,
  timeWaitMs: 60_000,
  keepAliveIdleMs: Infinity,
  keepAliveIntervalMs: 75_000,
  keepAliveProbeCount: 9,
  challengeAckCount: 10,
  challengeAckIntervalMs: 1000,
});

/** `unannouncedSegmentSize` over IPv6. */
export const UNANNOUNCED_IPV6_SEGMENT_SIZE = 1220;

/** No peer may push us below this: a tiny MSS is an attack on the sender's work. */
export const MIN_SEGMENT_SIZE = 88;

/** The largest window without scaling, and the largest shift (RFC 7323 section 2.3). */
export const MAX_WINDOW_FIELD = 65_535;
export const MAX_WINDOW_SHIFT = 14;

/** A timestamp of the peer that is older than this proves nothing any more (RFC 7323 section 5.5: 24 days). */
export const TIMESTAMP_VALID_MS = 24 * 24 * 3600 * 1000;
