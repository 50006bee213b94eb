// Resets for segments that belong to no connection, and for requests that are refused.

import type { MoveRequest } from '../migration/server-role.js';
import { SHORT_MAC_LENGTH } from '../wire/migrate-options.js';
import { NO_OPTIONS } from '../wire/options.js';
import { refusalCode, type RefusalReason } from '../wire/refusal-reason.js';
import { addSequence } from '../wire/sequence.js';
import { FLAG, sequenceLength, type Segment } from '../wire/segment.js';

const NO_PAYLOAD = { window: 0, payload: [], payloadLength: 0 } as const;

/** The answer to a segment that belongs to no connection (RFC 9293 section 3.10.7.1); none to a reset. */
export function resetOf(segment: Segment): Segment | undefined {
  if ((segment.flags & FLAG.rst) !== 0) return undefined;
  const acknowledged = (segment.flags & FLAG.ack) !== 0;
  return {
    ...NO_PAYLOAD,
    sequence: acknowledged ? segment.acknowledgment : 0,
    acknowledgment: acknowledged ? 0 : addSequence(segment.sequence, sequenceLength(segment)),
    flags: acknowledged ? FLAG.rst : FLAG.rst | FLAG.ack,
    options: NO_OPTIONS,
  };
}

/** The answer to a MIGRATE_REQ that is refused; zeros stand where no mac can be made. */
export function refusalOf(request: MoveRequest, reason: RefusalReason, mac: Uint8Array): Segment {
  const proof = mac.length === SHORT_MAC_LENGTH ? mac : new Uint8Array(SHORT_MAC_LENGTH);
  return {
    ...NO_PAYLOAD,
    sequence: 0,
    acknowledgment: request.sendUnacknowledged,
    flags: FLAG.rst | FLAG.ack,
    options: {
      migrate: { kind: 'fail', reason: refusalCode(reason), nonce: request.option.nonce, mac: proof },
    },
  };
}
