// The members of a development run: all in this process, each a real stack on a UDP port of the loopback interface.
//
// Certificates and the service's key are made for the run and kept in memory.

import { servicePublicKey } from '@migratory/stack';
import { startMember, type Address, type Container, type Member, type Report, type ServiceSource } from '../index.js';
import { makeCluster, makeServiceKey } from './certificates.js';
import { freePorts } from './socket-adapter.js';

export const LOOPBACK = '127.0.0.1';
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
  const ids = Array.from({ length: memberCount }, (_, index) => index + 1);
  const [cluster, ports] = await Promise.all([
    makeCluster(ids, { now, days: VALIDITY_DAYS }),
    freePorts(LOOPBACK, memberCount),
  ]);
  const key = makeServiceKey();
  const entries = ids.map((id, index) => ({
    id,
    address: { ip: LOOPBACK, port: ports[index]?.udp ?? 0 },
    peer: { host: LOOPBACK, port: ports[index]?.tcp ?? 0 },
  }));
  const started: Member[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((member) => member.stop()));
  };
  try {
    for (const { id, address } of entries) {
      const { certificate = '', privateKey = '' } = cluster.members.get(id) ?? {};
      const tls = { certificateAuthority: cluster.certificateAuthority, certificate, privateKey };
      const dependencies = await container();
      const member = await startMember({
        stack: { ip: LOOPBACK, membership: { id, members: entries, serviceKey: key.privateKey, tls } },
        services: [{ service: source, port: address.port, ...(dependencies && { container: dependencies }) }],
        report: (told) => report(id, told),
      });
      started.push(member);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses: entries.map(({ address }) => address),
    publicKey: servicePublicKey(key.publicKey),
    stop,
  };
}

function isPortInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
