// The members of a development run: all in this process, each a real stack on a UDP port of the loopback interface.
//
// Certificates and the service's key are made for the run and kept in memory.

import { servicePublicKey } from '@migratory/stack';
import { startMember, type Address, type Container, type Member, type Report, type ServiceSource } from '../index.js';
import { addressOf, planLocalService } from './local-service-adapter.js';

/** Between the choice of a port and its use somebody else may take it. */
const ATTEMPT_COUNT = 3;
const VALIDITY_DAYS = 30;

export interface DevelopmentOptions {
  readonly source: ServiceSource;
  readonly memberCount: number;
  readonly now: Date;
  readonly container: () => Promise<Container | undefined>;
  readonly report: (member: number, report: Report) => void;
}

export interface DevelopmentMembers {
  /** Member 1 first. */
  readonly members: readonly Member[];
  /** Where clients reach them: that of member 1 first. */
  readonly addresses: readonly Address[];
  /** Of the service, 32 bytes. */
  readonly publicKey: Uint8Array;
  stop(): Promise<void>;
}

/** Rejects with `CompileFailed`, or with what the stack says; then nothing is open. */
export async function startMembers(options: DevelopmentOptions): Promise<DevelopmentMembers> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryToStart(options);
    } catch (error) {
      if (attempt === ATTEMPT_COUNT || !isPortInUse(error)) throw error;
    }
  }
}

async function tryToStart({
  source,
  memberCount,
  now,
  container,
  report,
}: DevelopmentOptions): Promise<DevelopmentMembers> {
  const { key, members: planned } = await planLocalService(memberCount, { now, days: VALIDITY_DAYS });
  const members: Member[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.stop()));
  };
  try {
    for (const membership of planned) {
      const { ip, port } = addressOf(membership);
      const dependencies = await container();
      const member = await startMember({
        stack: { ip, membership },
        services: [{ service: source, port, ...(dependencies && { container: dependencies }) }],
        report: (told) => report(membership.id, told),
      });
      members.push(member);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { members, addresses: planned.map(addressOf), publicKey: servicePublicKey(key.publicKey), stop };
}

function isPortInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
