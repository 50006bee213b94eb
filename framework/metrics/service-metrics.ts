// The metrics of a service at a member: one for each of its counters. A counter without one does not compile.

import type { ServiceCounters } from '../runtime/counters.js';
import { counter, gauge, type Metric } from './metric.js';

export const SERVICE_METRICS: Readonly<Record<keyof ServiceCounters, Metric>> = {
  current: gauge('connections', 'Connections that are here.'),
  accepted: counter('connections_accepted', 'Clients that have connected.'),
  arrived: counter('connections_arrived', 'Connections that came from other members.'),
  departed: counter('connections_departed', 'Connections that went to other members.'),
  arrivalsRefused: counter(
    'arrivals_refused',
    "Connections that wanted to come, and whose snapshot can't be gone on from here.",
  ),
  finished: counter('connections_finished', 'Connections that ended here in order.'),
  lost: counter('connections_lost', 'Connections that were reset or timed out here.'),
  failed: counter('connections_failed', 'Connections that a failure of the service has ended here.'),
  stagesEntered: counter('stages_entered', 'Stages that were entered.'),
  snapshots: counter('snapshots', 'Restart points, entered stages included.'),
  snapshotBytes: counter('snapshot_bytes', 'Bytes of all snapshots.'),
  largestSnapshot: gauge('largest_snapshot_bytes', 'Bytes of the largest snapshot since the start.'),
  effectsMade: counter('effects_made', 'Effects that io.once has made.'),
  effectsRecalled: counter('effects_recalled', 'Effects whose recorded result io.once has answered.'),
  snapshotsTooLarge: counter('snapshots_too_large', 'How often snapshotLength was reached.'),
  inputLogsOverflowed: counter('input_logs_overflowed', 'How often inputLength was reached.'),
  outputsTooLong: counter('outputs_too_long', 'How often outputLength was reached.'),
  stagesTimedOut: counter('stages_timed_out', 'How often stageTimeMs, or a timeoutMs of a stage, was reached.'),
  failuresTimedOut: counter('failures_timed_out', 'How often failureTimeMs was reached.'),
  closingsTimedOut: counter('closings_timed_out', 'How often closingTimeMs was reached.'),
  replaysDiverged: counter('replays_diverged', 'Connections whose output after a move was not what it was before.'),
};
