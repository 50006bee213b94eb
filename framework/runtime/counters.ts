// What has happened to the connections of a service at this member: counted by name, for metrics.

/** Counts since the start, but for `current`, which goes down again, and `largestSnapshot`, which is in bytes. */
export interface ServiceCounters {
  /** Clients that have connected. */
  accepted: number;
  /** Connections that came from, and went to, other members. */
  arrived: number;
  departed: number;
  /** Connections that wanted to come, and whose snapshot can't be gone on from here. */
  arrivalsRefused: number;
  /** How connections ended here: in order; reset or timed out; by a failure of the service. */
  finished: number;
  lost: number;
  failed: number;
  /** Connections that are here. */
  current: number;
  stagesEntered: number;
  /** Restart points, entered stages included, and the bytes of their snapshots. */
  snapshots: number;
  snapshotBytes: number;
  largestSnapshot: number;
  /** Effects made by `io.once`, and those whose recorded result was answered instead. */
  effectsMade: number;
  effectsRecalled: number;
  /** Limits that were reached: `ServiceLimits`. */
  snapshotsTooLarge: number;
  inputLogsOverflowed: number;
  outputsTooLong: number;
  stagesTimedOut: number;
  failuresTimedOut: number;
  closingsTimedOut: number;
  replaysDiverged: number;
}

export function newServiceCounters(): ServiceCounters {
  return {
    accepted: 0,
    arrived: 0,
    departed: 0,
    arrivalsRefused: 0,
    finished: 0,
    lost: 0,
    failed: 0,
    current: 0,
    stagesEntered: 0,
    snapshots: 0,
    snapshotBytes: 0,
    largestSnapshot: 0,
    effectsMade: 0,
    effectsRecalled: 0,
    snapshotsTooLarge: 0,
    inputLogsOverflowed: 0,
    outputsTooLong: 0,
    stagesTimedOut: 0,
    failuresTimedOut: 0,
    closingsTimedOut: 0,
    replaysDiverged: 0,
  };
}
