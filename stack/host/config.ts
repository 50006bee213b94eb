// The limits of a host. Every queue and every table has one (S6).

/** Limits of a stack's tables and queues, over all its connections. */
export interface HostLimits {
  /** Connections of every kind and state. */
  readonly connectionCount: number;
  /**
   * Connections of one listener that are not open yet: what a flood of SYNs can take. From then on SYNs are answered with
   * cookies, and of the clients that return one as many again may be waited for.
   */
  readonly halfOpenCount: number;
  /** Requests of clients for which an image is being fetched. */
  readonly arrivingCount: number;
  /** Requests for connections that are not here, in each interval. */
  readonly requestCount: number;
  readonly requestIntervalMs: number;
  /** How long a member waits for another's answer during a handoff; more than a round trip between them, or none succeeds. */
  readonly handoffTimeoutMs: number;
  /** How often one request is sent on from a former holder to the next. */
  readonly forwardCount: number;
  /** How long a request for a locked connection waits (S7). */
  readonly lockWaitMs: number;
  /** How long an image that has left is kept until its receiver confirms. */
  readonly imageRetentionMs: number;
  /** All retained images together; the oldest goes first. */
  readonly retainedImagesLength: number;
  /** How long, and for how many connections, a former member knows where they went. */
  readonly forwardingPointerMs: number;
  readonly forwardingPointerCount: number;
  /** How long segments on a connection's former path are ignored rather than reset. */
  readonly formerPathMs: number;
  readonly formerPathCount: number;
}

export const DEFAULT_HOST_LIMITS: HostLimits = {
  connectionCount: 100_000,
  halfOpenCount: 1_024,
  arrivingCount: 1_024,
  requestCount: 5_000,
  requestIntervalMs: 1_000,
  handoffTimeoutMs: 1_000,
  forwardCount: 4,
  lockWaitMs: 500,
  imageRetentionMs: 120_000,
  retainedImagesLength: 256 * 1024 * 1024,
  forwardingPointerMs: 600_000,
  forwardingPointerCount: 100_000,
  formerPathMs: 120_000,
  formerPathCount: 100_000,
};
