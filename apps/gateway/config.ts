// Limits of the gateway. What reaches one is refused by name, and what exists goes on.

export interface GatewayLimits {
  /** Ordinary connections at a time; one more is reset. */
  readonly connectionCount: number;
  /** Users of the control socket at a time. */
  readonly controlUserCount: number;
  /** Bytes of one line on the control socket. */
  readonly controlLineLength: number;
  /** How often a connection attempt at one address is repeated before the next is tried: 2 take about seven seconds. */
  readonly synRetryCount: number;
  /** Bytes that an ordinary connection buffers in each direction before it waits for the other side. */
  readonly bufferLength: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = Object.freeze({
  connectionCount: 1024,
  controlUserCount: 8,
  controlLineLength: 256,
  synRetryCount: 2,
  bufferLength: 256 * 1024,
});
