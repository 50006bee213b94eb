// The service of the demo: members and a gateway, each a process of its own on free ports of the loopback interface.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCluster, makeServiceKey } from './certificates.js';
import { MEMBER_IDS } from './config.js';
import type { LogLine, Programs } from './programs.js';

const SERVER_PROGRAM = fileURLToPath(new URL('../../http-file-server/dist/main.js', import.meta.url));
const GATEWAY_PROGRAM = fileURLToPath(new URL('../../gateway/dist/main.js', import.meta.url));
const LOOPBACK = '127.0.0.1';

/** A process as the demo introduces it. */
export interface Participant {
  readonly name: string;
  readonly processId: number;
  readonly address: string;
}

export interface RunningService {
  readonly participants: readonly Participant[];
  /** "127.0.0.1:40000", for curl. */
  readonly gateway: string;
  readonly controlPath: string;
  /** The length of the image in which a connection came to a member, once that member has logged it. */
  imageLength(cid: string, epoch: number): number | undefined;
}

/** Starts two members that serve the files of `root`, and the gateway. */
export async function startService(programs: Programs, root: string): Promise<RunningService> {
  const images = new Map<string, number>();
  const noteArrival = (line: LogLine): void => {
    if (line.event === 'arrived') images.set(`${String(line.cid)} ${String(line.epoch)}`, Number(line.imageLength));
  };
  const members = await writeMemberFiles(programs.folder);
  const servers = await Promise.all(
    members.map(async ({ id, port, configFile }) => {
      const args = ['--config', configFile, '--root', root];
      const { processId } = await programs.start(`member ${id}`, SERVER_PROGRAM, args, noteArrival);
      return { name: `member ${id}`, processId, address: `UDP ${LOOPBACK}:${port}` };
    }),
  );
  const controlPath = join(programs.folder, 'control');
  const services = members.flatMap(({ port }) => ['--service', `${LOOPBACK}:${port}`]);
  const keyFile = join(programs.folder, 'service-public.pem');
  const { processId, ready } = await programs.start(
    'the gateway',
    GATEWAY_PROGRAM,
    [
      '--listen',
      `${LOOPBACK}:0`,
      ...services,
      '--service-key',
      keyFile,
      '--migration',
      'required',
      '--control',
      controlPath,
    ],
    () => undefined,
  );
  const gateway = String(ready.listen);
  return {
    participants: [...servers, { name: 'gateway', processId, address: `TCP ${gateway}` }],
    gateway,
    controlPath,
    imageLength: (cid, epoch) => images.get(`${cid} ${epoch}`),
  };
}

interface MemberFiles {
  readonly id: number;
  readonly port: number;
  readonly configFile: string;
}

/** Certificates, keys and one configuration for each member, below the demo's own folder. */
async function writeMemberFiles(folder: string): Promise<MemberFiles[]> {
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const cluster = await makeCluster(MEMBER_IDS);
  const key = makeServiceKey();
  const serviceKeyFile = write('service.pem', key.privateKey);
  write('service-public.pem', key.publicKey);
  const certificateAuthorityFile = write('authority.pem', cluster.certificateAuthority);
  const ports = await freePorts(MEMBER_IDS.length);
  const members = MEMBER_IDS.map((id, index) => ({
    id,
    address: { ip: LOOPBACK, port: ports[index]?.udp ?? 0 },
    peer: { host: LOOPBACK, port: ports[index]?.tcp ?? 0 },
  }));
  return members.map(({ id, address }) => {
    const { certificate = '', privateKey = '' } = cluster.members.get(id) ?? {};
    const tls = {
      certificateAuthorityFile,
      certificateFile: write(`member-${id}.pem`, certificate),
      privateKeyFile: write(`member-${id}-key.pem`, privateKey),
    };
    const config = { id, ip: address.ip, port: address.port, members, serviceKeyFile, tls };
    return { id, port: address.port, configFile: write(`member-${id}.json`, JSON.stringify(config)) };
  });
}

/** All are held until all are known, so that no two are the same. */
async function freePorts(count: number): Promise<{ readonly udp: number; readonly tcp: number }[]> {
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
