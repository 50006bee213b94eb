// The service of a demo: members and a gateway, each a process of its own on free ports of the loopback interface.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { MEMBER_IDS } from './config.js';
import type { LogLine, Programs } from './programs.js';
import type { Screen } from './screen.js';

const GATEWAY_PROGRAM = fileURLToPath(new URL('../../gateway/dist/main.js', import.meta.url));

/** A process as the demo introduces it. */
export interface Participant {
  readonly name: string;
  readonly processId: number;
  readonly address: string;
}

export interface RunningService {
  readonly participants: readonly Participant[];
  /** "127.0.0.1:40000", for the client. */
  readonly gateway: string;
  readonly controlPath: string;
}

/** What the members run, and whom each line that they log is told. */
export interface MemberProgram {
  readonly program: string;
  /** After the one that names the member's description. */
  readonly options: readonly string[];
  readonly log: (line: LogLine) => void;
}

/** Starts two members and the gateway. */
export async function startService(
  programs: Programs,
  { program, options, log }: MemberProgram,
): Promise<RunningService> {
  const plan = await planLocalService(MEMBER_IDS.length);
  for (const [name, text] of Object.entries(filesOf(plan))) {
    writeFileSync(join(programs.folder, name), text, { mode: 0o600 });
  }
  const places = plan.members.map((member) => ({ id: member.id, port: addressOf(member).port }));
  const members = await Promise.all(
    places.map(async ({ id, port }) => {
      const args = ['--config', join(programs.folder, `member-${id}.json`), ...options];
      const { processId } = await programs.start(`member ${id}`, program, args, log);
      return { name: `member ${id}`, processId, address: `UDP ${LOOPBACK}:${port}` };
    }),
  );
  const gateway = await startGateway(
    programs,
    places.map(({ port }) => `${LOOPBACK}:${port}`),
  );
  return {
    participants: [...members, { name: 'gateway', processId: gateway.processId, address: `TCP ${gateway.listen}` }],
    gateway: gateway.listen,
    controlPath: gateway.controlPath,
  };
}

async function startGateway(
  programs: Programs,
  members: readonly string[],
): Promise<{ readonly processId: number; readonly listen: string; readonly controlPath: string }> {
  const controlPath = join(programs.folder, 'control');
  const where = ['--listen', `${LOOPBACK}:0`, ...members.flatMap((address) => ['--service', address])];
  const terms = ['--service-key', join(programs.folder, 'service-public.pem'), '--migration', 'required'];
  const args = [...where, ...terms, '--control', controlPath];
  const { processId, ready } = await programs.start('the gateway', GATEWAY_PROGRAM, args, () => undefined);
  return { processId, listen: String(ready.listen), controlPath };
}

export function introduce(screen: Screen, participants: readonly Participant[]): void {
  for (const { name, processId, address } of participants) {
    screen.line(`${name.padEnd(9)} process ${String(processId).padEnd(8)} ${address}`);
  }
}
