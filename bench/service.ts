// A service of members on loopback: addresses, keys and certificates, as plain data that fits a message to a process.

import { createNodeStack, type Stack } from '@migratory/stack';
import { LOOPBACK, planLocalService, type LocalMember } from '@migratory/framework/local-service';

export { addressOf, LOOPBACK, type LocalMember as MemberPlan } from '@migratory/framework/local-service';

/** All that the members need, but what they do. */
export async function planService(memberCount: number): Promise<readonly LocalMember[]> {
  return (await planLocalService(memberCount)).members;
}

/** The member's stack in this process. */
export function openMember(plan: LocalMember): Promise<Stack> {
  return createNodeStack({ ip: LOOPBACK, membership: plan });
}
