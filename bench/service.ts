// A service of two members on loopback: addresses, keys and certificates, as plain data that fits a message to a process.

import { createNodeStack, type NodeMembership, type Stack } from '@migratory/stack';
import { makeCluster, makeServiceKey } from '@migratory/demo/certificates';
import { freePorts } from './children.js';

export const LOOPBACK = '127.0.0.1';

/** All that a member needs, but what it does. */
export type MemberPlan = Omit<NodeMembership, 'report'>;

export async function planService(memberCount: number): Promise<MemberPlan[]> {
  const ids = Array.from({ length: memberCount }, (_, index) => index + 1);
  const ports = await freePorts(2 * memberCount);
  const cluster = await makeCluster(ids);
  const serviceKey = makeServiceKey().privateKey;
  const members = ids.map((id, index) => ({
    id,
    address: { ip: LOOPBACK, port: ports[2 * index] ?? 0 },
    peer: { host: LOOPBACK, port: ports[2 * index + 1] ?? 0 },
  }));
  return ids.map((id) => {
    const credentials = cluster.members.get(id);
    if (credentials === undefined) throw new Error(`no certificate for member ${id}`);
    return { id, members, serviceKey, tls: { certificateAuthority: cluster.certificateAuthority, ...credentials } };
  });
}

/** The member's stack in this process. */
export function openMember(plan: MemberPlan): Promise<Stack> {
  return createNodeStack({ ip: LOOPBACK, membership: plan });
}

/** Where the clients of the member begin. */
export function addressOf(plan: MemberPlan): { readonly ip: string; readonly port: number } {
  const own = plan.members.find((member) => member.id === plan.id);
  if (own === undefined) throw new Error(`member ${plan.id} is not among the members`);
  return own.address;
}
