// What `setState` costs on a live, migratable connection, with 64 bytes of fresh state each time.

import { once } from 'node:events';
import { createNodeStack, type MigratoryConnection } from '@migratory/stack';
import { measurement, type Measurement } from '../measurement.js';
import { addressOf, LOOPBACK, openMember, planService } from '../service.js';

const STATE_LENGTH = 64;
const RUN_COUNT = 9;
const CALLS_PER_RUN = 200_000;
const AIM_MICROSECONDS = 2;

export async function measureSetState(): Promise<readonly Measurement[]> {
  const [plan] = await planService(1);
  if (plan === undefined) throw new Error('no member');
  const member = await openMember(plan);
  const accepted = new Promise<MigratoryConnection>((resolve, reject) => {
    member.listen({ port: addressOf(plan).port }, resolve).catch(reject);
  });
  const client = await createNodeStack({ ip: LOOPBACK });
  const connection = client.connect({ address: addressOf(plan) });
  await once(connection, 'migratable');
  const server = await accepted;
  if (server.cid === undefined) throw new Error('the connection can not move: nothing would be measured');
  const runs = Array.from({ length: RUN_COUNT + 1 }, () => run(server)).slice(1);
  await Promise.all([client.close(), member.close()]);
  return [
    measurement('setState, 64 B of state', 'µs', runs, { kind: 'at-most', value: AIM_MICROSECONDS, of: 'median' }),
  ];
}

/** Microseconds per call. */
function run(connection: MigratoryConnection): number {
  const startedAt = performance.now();
  for (let call = 0; call < CALLS_PER_RUN; call++) {
    const state = new Uint8Array(STATE_LENGTH);
    state[0] = call;
    connection.setState(state);
  }
  return ((performance.now() - startedAt) * 1000) / CALLS_PER_RUN;
}
