// The service of the demo: members and a gateway, each a process of its own on free ports of the loopback interface.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { MEMBER_IDS } from './config.js';
import type { LogLine, Programs } from './programs.js';

const SERVER_PROGRAM = fileURLToPath(new URL('../../http-file-server/dist/main.js', import.meta.url));
const GATEWAY_PROGRAM = fileURLToPath(new URL('../../gateway/dist/main.js', import.meta.url));

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
  const plan = await planLocalService(MEMBER_IDS.length);
  for (const [name, text] of Object.entries(filesOf(plan))) {
    writeFileSync(join(programs.folder, name), text, { mode: 0o600 });
  }
  const members = plan.members.map((member) => ({ id: member.id, port: addressOf(member).port }));
  const servers = await Promise.all(
    members.map(async ({ id, port }) => {
      const args = ['--config', join(programs.folder, `member-${id}.json`), '--root', root];
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
