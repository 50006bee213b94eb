// A fresh record: every field at its beginning.

import type { TcpConfig } from './config.js';
import { NO_CHOICES } from './configure.js';
import { startCongestion } from './congestion/select.js';
import { noMarks } from './explicit-congestion.js';
import { emptyFlight } from './flight.js';
import { initialLoss } from './loss.js';
import { initialRack } from './rack.js';
import { initialRtt } from './rtt.js';
import { emptyQueue } from './send-queue.js';
import type { TcpRecord } from './state.js';
import { noTailProbe } from './tail-probe.js';
import { idleTimers } from './timers.js';
import { startTuning } from './window-tuning.js';

export function newRecord(config: TcpConfig, now: number, start: Pick<TcpRecord, 'state' | 'opened'>): TcpRecord {
  return {
    config,
    state: start.state,
    choices: NO_CHOICES,
    suspended: false,
    opened: start.opened,
    attachedOption: undefined,
    migrateCapable: { offered: undefined, received: undefined },
    windowScaled: false,
    sackPermitted: false,
    send: {
      initialSequence: 0,
      unacknowledgedOffset: -1,
      nextOffset: -1,
      highestOffset: -1,
      endOffset: 0,
      limitOffset: Infinity,
      finOffset: undefined,
      queue: emptyQueue(0),
      windowLength: 0,
      maxWindowLength: 0,
      windowUnitLength: 1,
      windowUpdateSequenceOffset: -1,
      windowUpdateAcknowledgmentOffset: -1,
      maximumSegmentSize: Math.min(config.maximumSegmentSize, config.unannouncedSegmentSize),
      agreedSegmentSize: Math.min(config.maximumSegmentSize, config.unannouncedSegmentSize),
      pathLimitEndsAt: Infinity,
      synPending: false,
      retransmitPending: false,
      probePending: false,
      keepAlivePending: false,
      full: false,
      lastSentAt: now,
      lastProgressAt: now,
      blocked: false,
    },
    receive: {
      initialSequence: 0,
      nextOffset: 0,
      readOffset: 0,
      finOffset: undefined,
      pendingFinOffset: undefined,
      urgentEndOffset: 0,
      chunks: [],
      chunkHead: 0,
      gathering: undefined,
      outOfOrder: [],
      blocks: [],
      duplicate: undefined,
      edgeOffset: 0,
      tuning: startTuning(config, now),
      windowUnitLength: 1,
      segmentLength: Math.min(config.maximumSegmentSize, config.unannouncedSegmentSize),
      unansweredLength: 0,
      lastAcknowledgedOffset: 0,
      acknowledgmentPending: false,
      readableTold: false,
      lastReceivedAt: now,
    },
    timestamps: { enabled: false, offset: 0, lastSent: 0, recent: 0, recentAt: now, pathBeganAt: now },
    rtt: initialRtt(config),
    loss: initialLoss(),
    flight: emptyFlight(),
    rack: initialRack(now),
    tailProbe: noTailProbe(),
    congestionMarks: noMarks(),
    congestion: startCongestion(config.congestionControl, config.maximumSegmentSize),
    timers: idleTimers(),
    challenge: undefined,
    events: [],
    closeReason: undefined,
    closeTold: false,
    outbox: [],
  };
}
