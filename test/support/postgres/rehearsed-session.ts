// The front-end's session on a fake database: what its constructor asks for, with nothing that differs from run to run.

import { Container } from '@migratory/framework';
import { LoginPolicy } from '@migratory/pg-frontend/internal/authentication/login-policy.js';
import { CancelDesk } from '@migratory/pg-frontend/internal/session/cancel-desk.js';
import type { SessionEvent } from '@migratory/pg-frontend/internal/session/session-log.js';
import { SessionServices, type CommitMode } from '@migratory/pg-frontend/internal/session/session-services.js';
import { startupPacket } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { turn } from '@migratory/framework/internal/testing/turns.js';
import type { FakeDatabase } from './fake-database.js';

/** Limits of the service, as the command sets them. */
export const SERVICE_LIMITS = {
  snapshotLength: 1024 * 1024 - 4096,
  inputLength: 1024 * 1024,
  stageTimeMs: Infinity,
  outputLength: Infinity,
} as const;

export const STARTUP = startupPacket(0, { user: 'ann', database: 'shop', application_name: 'till' });

export interface SessionOptions {
  readonly database: FakeDatabase;
  readonly commitMode?: CommitMode;
  readonly log?: (event: SessionEvent) => void;
}

/** A clock by which only waiting takes time. */
class WaitingClock {
  #now = 0;

  now(): number {
    return this.#now;
  }

  async wait(durationMs: number): Promise<void> {
    this.#now += durationMs;
    await turn();
  }
}

export function containerOf({ database, commitMode = 'locked', log = () => undefined }: SessionOptions): Container {
  const desk = new CancelDesk({
    secret: Buffer.alloc(32, 1),
    random: (length) => Buffer.alloc(length, 7),
    now: () => 0,
    announce: () => undefined,
  });
  const services = new SessionServices(
    database,
    new WaitingClock(),
    desk,
    { record: (_cid, event) => log(event) },
    Buffer.alloc(32, 2),
    commitMode,
  );
  const container = new Container();
  container.bind(SessionServices).toConstantValue(services);
  container.bind(LoginPolicy).toConstantValue(new LoginPolicy(undefined, () => ''));
  return container;
}
