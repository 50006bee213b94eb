// What is measured: a database, front-ends and a gateway, each a process of its own on free ports of the loopback interface.
//
// The database is a real one with the settings that it comes with: every COMMIT waits for the disk (fsync is on). Whoever
// interrupts a measurement leaves nothing of it behind, no process and no file.

import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { GatewayControl } from '@migratory/demo/internal/gateway-control.js';
import { Programs } from '@migratory/demo/internal/programs.js';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FRONTEND_PROGRAM = fileURLToPath(import.meta.resolve('@migratory/pg-frontend/main'));
const GATEWAY_PROGRAM = fileURLToPath(import.meta.resolve('@migratory/gateway'));

export interface PostgresWorld {
  readonly programs: Programs;
  readonly database: EmbeddedDatabase;
  /** Where clients connect to the front-ends, through the gateway. */
  readonly port: number;
  readonly control: GatewayControl;
  close(): Promise<void>;
}

export async function startPostgresWorld(memberCount: number): Promise<PostgresWorld> {
  const starting = startParts(memberCount);
  let state: 'measured' | 'interrupted' = 'measured';
  const interrupted = (signal: NodeJS.Signals): void => {
    state = 'interrupted';
    void starting.then((world) => world.close()).finally(() => process.exit(128 + constants.signals[signal]));
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  const world = await starting;
  const close = async (): Promise<void> => {
    if (state === 'interrupted') return new Promise(() => undefined); // the process is about to end
    for (const signal of SIGNALS) process.off(signal, interrupted);
    await world.close();
  };
  return { ...world, close };
}

async function startParts(memberCount: number): Promise<PostgresWorld> {
  const programs = new Programs();
  const database = await startEmbeddedDatabase();
  try {
    const services = await startFrontends(programs, memberCount, database.url);
    const { port, controlPath } = await startGateway(programs, services);
    const control = await GatewayControl.open(controlPath);
    return { programs, database, port, control, close: () => close(programs, database, control) };
  } catch (error) {
    await close(programs, database, undefined);
    throw error;
  }
}

async function close(
  programs: Programs,
  database: EmbeddedDatabase,
  control: GatewayControl | undefined,
): Promise<void> {
  control?.close();
  await programs.close();
  await database.stop();
}

/** Answers where they listen. */
async function startFrontends(programs: Programs, memberCount: number, databaseUrl: string): Promise<string[]> {
  const plan = await planLocalService(memberCount);
  for (const [name, text] of Object.entries(filesOf(plan))) {
    writeFileSync(join(programs.folder, name), text, { mode: 0o600 });
  }
  return Promise.all(
    plan.members.map(async (member) => {
      const config = join(programs.folder, `member-${member.id}.json`);
      const args = ['--config', config, '--database', databaseUrl];
      await programs.start(`front-end ${member.id}`, FRONTEND_PROGRAM, args, () => undefined);
      return `${LOOPBACK}:${addressOf(member).port}`;
    }),
  );
}

async function startGateway(
  programs: Programs,
  services: readonly string[],
): Promise<{ readonly port: number; readonly controlPath: string }> {
  const controlPath = join(programs.folder, 'control');
  const where = ['--listen', `${LOOPBACK}:0`, ...services.flatMap((service) => ['--service', service])];
  const terms = ['--service-key', join(programs.folder, 'service-public.pem'), '--migration', 'required'];
  const args = [...where, ...terms, '--control', controlPath];
  const { ready } = await programs.start('the gateway', GATEWAY_PROGRAM, args, () => undefined);
  const [, port] = String(ready.listen).split(':');
  return { port: Number(port), controlPath };
}
