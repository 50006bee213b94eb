// A stack of our own on a device, that opens connections to members and moves them.

import type { ExecutionContext } from 'ava';
import { createNodeStack, servicePublicKey, type MigratoryConnection, type Stack } from '@migratory/stack';
import type { FileMembers } from './file-members.js';

export const MOVER_IPS = { 4: '10.82.0.2', 6: 'fd82::2' } as const;
export const MOVER_ADDRESSES: readonly string[] = ['10.82.0.1/24', 'fd82::1/64'];

/** Closed with the test. */
export async function openMover(t: ExecutionContext): Promise<Stack> {
  const driver = { kind: 'tun', name: 'mover0', addresses: MOVER_ADDRESSES, otherIp: MOVER_IPS[6] } as const;
  const stack = await createNodeStack({ ip: MOVER_IPS[4], driver });
  t.teardown(() => stack.close());
  return stack;
}

/** To the first member. */
export function connectTo(stack: Stack, { addresses, publicKey }: FileMembers): MigratoryConnection {
  const [address] = addresses;
  if (address === undefined) throw new RangeError('a service without members');
  return stack.connect({ address, servicePublicKey: servicePublicKey(publicKey), migration: 'required' });
}
