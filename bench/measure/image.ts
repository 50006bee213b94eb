// How long the image of a connection is when the application adds nothing: no state, nothing unread, nothing unacknowledged.

import { once } from 'node:events';
import { createNodeStack, type MigratoryConnection } from '@migratory/stack';
import { measurement, type Measurement } from '../measurement.js';
import { addressOf, LOOPBACK, openMember, planService } from '../service.js';

const MOVE_COUNT = 8;
const AIM_LENGTH = 200;
const NO_STATE = new Uint8Array(0);

export async function measureImage(): Promise<readonly Measurement[]> {
  const plans = await planService(2);
  const lengths: number[] = [];
  const serve = (connection: MigratoryConnection): void => {
    if (connection.getState().kind === 'migrated') lengths.push(connection.imageLength);
    connection.setState(NO_STATE);
  };
  const members = await Promise.all(plans.map(openMember));
  for (const [index, plan] of plans.entries()) await members[index]?.listen({ port: addressOf(plan).port }, serve);
  const client = await createNodeStack({ ip: LOOPBACK });
  const [first] = plans;
  if (first === undefined) throw new Error('no member');
  const connection = client.connect({ address: addressOf(first) });
  await once(connection, 'migratable');
  for (let move = 0; move < MOVE_COUNT; move++) {
    const outcome = await connection.requestMove();
    if (outcome.kind !== 'moved') throw new Error(`a move ended as '${outcome.kind}'`);
  }
  await Promise.all([client, ...members].map((stack) => stack.close()));
  return [measurement('image without state and logs', 'B', lengths, { kind: 'at-most', value: AIM_LENGTH, of: 'p99' })];
}
