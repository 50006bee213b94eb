// The database, as the session sees it: sessions that can be opened, asked, cancelled and given back.
//
// `pool-adapter.ts` has the real one; tests may have another.

import type { Complaint } from '../wire/backend-messages.js';
import type { Login } from '../session/session-record.js';

/** The session at the database is gone. */
export class BackendLost extends Error {
  override readonly name = 'BackendLost';

  constructor() {
    super('the session at the database was lost');
  }
}

/** No session could be opened: what the client is told. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused';

  constructor(readonly complaint: Complaint) {
    super(complaint.message);
  }
}

/** The front-end let go of a session that somebody was still waiting for; named as the framework knows such errors. */
export class BackendReleased extends Error {
  override readonly name = 'AbortError';
}

/** One session at the database, logged in. */
export interface Backend {
  /** Process id and start of the process, as the database tells them: no other session ever has the same. */
  readonly identity: string;
  /** What was told by ParameterStatus; whoever reads more of it writes it here. */
  readonly reported: Map<string, string>;
  write(bytes: Uint8Array): void;
  /** Resolves when what was written has left this process, or will never. */
  drained(): Promise<void>;
  /** What comes next, at least a byte. Rejects with `BackendLost` or `BackendReleased`. One call at a time. */
  read(): Promise<Buffer>;
  /** To be read again, before what comes next. */
  unread(bytes: Buffer): void;
  /** Who is told, while nobody reads, that there is something or that the session is lost. Undefined: nobody. */
  watch(arrived: (() => void) | undefined): void;
  /** What is there, without waiting. Throws `BackendLost`. */
  tryRead(): Buffer | undefined;
  /** Asks the database to cancel what runs. */
  cancel(): void;
  /** It is idle, outside of a transaction: once it is as new it may serve another client. */
  release(): void;
  /** Ends it; the database rolls back. */
  close(): void;
}

/** Where sessions come from. */
export interface Database {
  /** Rejects with `DatabaseRefused`, and with the signal's reason. */
  open(login: Login, signal: AbortSignal): Promise<Backend>;
}
