// The subpath `@migratory/framework/local-service`: a service whose members are all on this machine, for development,
// demonstrations, measurements and tests. Ports that were free a moment ago, a service key, certificates; nothing is opened.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { NodeMembership } from '@migratory/stack';
import { makeCluster, makeServiceKey, type ServiceKey, type Validity } from './certificates.js';

/** Where all of it is. */
export const LOOPBACK = '127.0.0.1';

/** Of one member: what makes a stack the member, but for what is told of its sessions. Plain data. */
export type LocalMember = Omit<NodeMembership, 'report'>;

export interface LocalService {
  readonly key: ServiceKey;
  /** Member 1 first. */
  readonly members: readonly LocalMember[];
}

/** Members 1 to `memberCount`, with certificates that are valid for a day unless told otherwise. */
export async function planLocalService(
  memberCount: number,
  validity: Validity = { now: new Date(), days: 1 },
): Promise<LocalService> {
  const ids = Array.from({ length: memberCount }, (_, index) => index + 1);
  const [cluster, ports] = await Promise.all([makeCluster(ids, validity), freePorts(memberCount)]);
  const key = makeServiceKey();
  const members = ports.map(({ udp, tcp }, index) => ({
    id: index + 1,
    address: { ip: LOOPBACK, port: udp },
    peer: { host: LOOPBACK, port: tcp },
  }));
  return {
    key,
    members: ids.map((id) => {
      const { certificate = '', privateKey = '' } = cluster.members.get(id) ?? {};
      const tls = { certificateAuthority: cluster.certificateAuthority, certificate, privateKey };
      return { id, members, serviceKey: key.privateKey, tls };
    }),
  };
}

/** Where clients find the member. */
export function addressOf({ id, members }: LocalMember): { readonly ip: string; readonly port: number } {
  return members.find((member) => member.id === id)?.address ?? { ip: LOOPBACK, port: 0 };
}

/**
 * The service as files, texts by their names, all for one folder: the description of each member (`member-1.json`) and the keys
 * and certificates that it names, by the names that `migratory keys` gives them.
 */
export function filesOf({ key, members }: LocalService): Readonly<Record<string, string>> {
  const [serviceKeyFile, certificateAuthorityFile] = ['service.pem', 'authority.pem'];
  const files: Record<string, string> = { [serviceKeyFile]: key.privateKey, 'service-public.pem': key.publicKey };
  for (const member of members) {
    const { id, tls } = member;
    const [certificateFile, privateKeyFile] = [`member-${id}.pem`, `member-${id}-key.pem`];
    files[certificateAuthorityFile] = tls.certificateAuthority;
    files[certificateFile] = tls.certificate;
    files[privateKeyFile] = tls.privateKey;
    const names = { serviceKeyFile, tls: { certificateAuthorityFile, certificateFile, privateKeyFile } };
    files[`member-${id}.json`] = JSON.stringify({ id, ...addressOf(member), members: member.members, ...names });
  }
  return files;
}

/** Each a port for UDP and one for TCP. All are held until all are known, so that no two are the same. */
export async function freePorts(count: number): Promise<{ readonly udp: number; readonly tcp: number }[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const datagrams = createSocket('udp4').bind(0, LOOPBACK);
      const server = createServer().listen(0, LOOPBACK);
      await Promise.all([once(datagrams, 'listening'), once(server, 'listening')]);
      return { datagrams, server };
    }),
  );
  return Promise.all(
    holders.map(async ({ datagrams, server }) => {
      const ports = { udp: datagrams.address().port, tcp: (server.address() as AddressInfo).port };
      await Promise.all([once(datagrams.close(), 'close'), once(server.close(), 'close')]);
      return ports;
    }),
  );
}
