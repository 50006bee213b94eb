// S3 one instant: an image is taken between two inputs of the core, never inside one.
//
// So at that moment nothing waits to be said, the record is whole, and state, input and output in the image are of the
// same instant: that of the application's last `setState`.

import type { Image } from '@migratory/stack/internal/migration/image.js';
import type { MigratoryRecord } from '@migratory/stack/internal/migration/record.js';
import { instantOf } from '../../sim/server-application.js';
import { check, type Followed } from '../followed.js';
import { assertInvariants } from '../tcp-invariants.js';

/** The connection is about to depart; `depth` inputs are being handled by its host, that which takes the image among them. */
export function checkBetweenInputs(record: MigratoryRecord, depth: number): void {
  check(depth <= 1, 'S3', 'an image is taken inside of another input');
  const { tcp, outbox, events } = record;
  const waiting = outbox.length + events.length + tcp.outbox.length + tcp.events.length;
  check(waiting === 0, 'S3', `an image is taken while ${waiting} outputs of an earlier input wait`);
  try {
    assertInvariants(tcp);
  } catch (error) {
    check(false, 'S3', `an image is taken of a broken record: ${error instanceof Error ? error.message : ''}`);
  }
}

export function checkOneInstant({ client }: Followed, image: Image): void {
  const { snapshot, firstInputOffset, firstOutputOffset } = image;
  if (snapshot === undefined) return;
  const instant = instantOf(snapshot.state, client.exchange);
  const inputOffset = snapshot.inputOffset - firstInputOffset;
  const outputOffset = snapshot.outputOffset - firstOutputOffset;
  check(instant.inputOffset === inputOffset, 'S3', `a state of input ${instant.inputOffset} left with ${inputOffset}`);
  check(
    instant.outputOffset === outputOffset,
    'S3',
    `a state of output ${instant.outputOffset} left with ${outputOffset}`,
  );
  check(instant.ended === snapshot.ended, 'S3', 'a state left with another end of output');
}
