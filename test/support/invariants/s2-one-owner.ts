// S2 one owner: for a (cid, epoch) at most one member runs application code or emits segments.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { sendOffsetOf } from '@migratory/stack/internal/tcp/connection.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import { FLAG, sequenceLength, type Segment } from '@migratory/stack/internal/wire/segment.js';
import type { ServerApplication } from '../../sim/server-application.js';
import { check, type Followed } from '../followed.js';

/** The application begins to run at `member`. */
export function checkOpens(followed: Followed, member: MemberId): void {
  const { owner, serverOutcome, ownerCrashed, clientEpoch, epoch } = followed;
  check(owner === undefined, 'S2', `member ${member} runs a connection that runs at member ${owner?.member ?? 0}`);
  check(serverOutcome === undefined, 'S2', `member ${member} runs a connection that had ended`);
  // What its client accepted is over with the member that died: nobody goes on from an image of before.
  const isPast = ownerCrashed && clientEpoch >= epoch;
  check(!isPast, 'S2', `member ${member} goes on from before epoch ${clientEpoch}, which the client has accepted`);
}

export function checkDeparts({ owner }: Followed, application: ServerApplication): void {
  check(owner?.application === application, 'S2', 'who did not run the connection gave it away');
}

export function checkGives({ owner }: Followed): void {
  check(owner === undefined, 'S2', `an image left while member ${owner?.member ?? 0} runs the connection`);
}

/** Only the owner speaks for a connection; the answer to a request is the first thing that a member says. */
export function checkSpeaks(followed: Followed, member: MemberId, segment: Segment): void {
  const { owner, lastOwner, imageTo, serverOutcome } = followed;
  const isAnswer = segment.options.migrate?.kind === 'acknowledge' && owner === undefined;
  if (isAnswer && (imageTo === member || lastOwner === member)) return;
  check(lastOwner === member, 'S2', `member ${member} spoke, the owner is ${lastOwner ?? 0}`);
  const isOwned = owner !== undefined || serverOutcome !== undefined;
  check(isOwned, 'S2', `member ${member} spoke for a connection that it had given away`);
}

/** Remembers how far the owner itself has come in its stream. */
export function noteSent(followed: Followed, { record: { tcp } }: HostConnection, segment: Segment): void {
  const endOffset = sendOffsetOf(tcp, segment.sequence) + sequenceLength(segment);
  followed.sentOffset = Math.max(followed.sentOffset, endOffset);
}

/** What another member sent before the move is over with it: the client acknowledges nothing beyond what its member has sent. */
export function checkAcknowledges(followed: Followed, segment: Segment): void {
  const { owner, epoch, client, sentOffset } = followed;
  const { phase } = client.connection.record;
  if (owner === undefined || phase.kind !== 'settled' || phase.identity.epoch !== epoch) return;
  if ((segment.flags & (FLAG.syn | FLAG.rst)) !== 0 || phase.identity.member !== owner.member) return;
  const acknowledged = sendOffsetOf(owner.application.connection.record.tcp, segment.acknowledgment);
  check(acknowledged <= sentOffset, 'S2', 'the client acknowledges what its member has not sent');
}
