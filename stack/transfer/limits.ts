// The limits of the transfer layer (S6), with their units. Reaching one is a typed outcome, never a crash or silent loss.

export interface TransferLimits {
  /** The most bytes of one image. */
  readonly maxImageLength: number;
  /** The most bytes that may wait in one session for the byte stream to take them. */
  readonly maxUnsentLength: number;
  /** The most bytes that may wait for a session with one member. */
  readonly maxWaitingLength: number;
  /** A message that found no session by then is undelivered; also the most that one attempt to connect may take. */
  readonly peerConnectTimeoutMs: number;
  /** After a failed attempt the next one waits so long, twice as long each time up to the maximum. */
  readonly minBackOffMs: number;
  readonly maxBackOffMs: number;
  /** A session over a fresh byte stream that is not up by then has failed. */
  readonly helloTimeoutMs: number;
  /** Nothing has been received for so long: we ask with a ping. */
  readonly pingIntervalMs: number;
  /** Nothing has been received for so long, the ping notwithstanding: the peer is down. */
  readonly peerSilenceMs: number;
  /** A channel that closes lets what was sent leave for at most so long. */
  readonly closeGraceMs: number;
}

export const TRANSFER_LIMITS: TransferLimits = {
  maxImageLength: 16 * 1024 * 1024,
  maxUnsentLength: 64 * 1024 * 1024,
  maxWaitingLength: 4 * 1024 * 1024,
  peerConnectTimeoutMs: 3_000,
  minBackOffMs: 50,
  maxBackOffMs: 1_000,
  helloTimeoutMs: 3_000,
  pingIntervalMs: 2_000,
  peerSilenceMs: 6_000,
  closeGraceMs: 500,
};

/** What a message may take beside the image that it carries. */
export const MESSAGE_OVERHEAD_LENGTH = 64;

/** The most bytes of one frame, its length field not counted. */
export function maxFrameLength(limits: TransferLimits): number {
  return limits.maxImageLength + MESSAGE_OVERHEAD_LENGTH;
}
