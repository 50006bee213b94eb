// The slides' second example: a transaction is prepared under a name that says whose it is, then committed under that name.
//
// Both steps may be asked for again, by whoever has the session then, so no lock is needed. What became of a prepared
// transaction is never guessed: if it is not there any more, its id tells.

import { ask, question, readReply, type Reply } from '../database/ask.js';
import { BackendLost, DatabaseRefused } from '../database/database.js';
import { LIMITS } from '../limits.js';
import { quoteLiteral } from '../wire/frontend-messages.js';
import { BACKEND } from '../wire/message.js';
import { ofTransaction, type Fate } from './commit.js';
import type { Dialogue } from './dialogue.js';
import type { SessionFields } from './session-fields.js';
import type { SessionServices } from './session-services.js';

/** What names of prepared transactions begin with. */
export const PREPARED_PREFIX = 'migratory_';

const UNDEFINED_OBJECT = '42704';
const BUSY = '55000';

/** Of a transaction of this connection: no other one ever has the same. */
export function preparedName(cid: string, epoch: number, transactionId: string): string {
  return `${PREPARED_PREFIX}${cid}_${epoch}_${transactionId}`;
}

/**
 * What the database answers is what it would have answered to the client's COMMIT: the notices of deferred triggers, or the error
 * by which the transaction has been rolled back. Rejects with `BackendLost`.
 */
export async function prepare(
  { backing }: Dialogue,
  { preparedAs }: SessionFields,
): Promise<Pick<Reply, 'errorResponse' | 'asides'>> {
  backing.backend.write(question(`PREPARE TRANSACTION ${quoteLiteral(preparedAs)}`));
  const reply = await readReply(backing.backend);
  for (const aside of reply.asides) if (aside[0] === BACKEND.parameterStatus) backing.book.noteParameter(aside);
  return reply;
}

/** Whether the transaction has been prepared, asked at another session. Rejects with `BackendLost`. */
export async function isPrepared(dialogue: Dialogue, { preparedAs }: SessionFields): Promise<boolean> {
  const name = quoteLiteral(preparedAs);
  const { rows } = await ask(
    dialogue.backing.backend,
    `SELECT FROM pg_catalog.pg_prepared_xacts WHERE gid OPERATOR(pg_catalog.=) ${name}`,
  );
  return rows.length > 0;
}

/** Commits what has been prepared, or finds out what became of it. Rejects with what `Backing.open` rejects with. */
export async function commitPrepared(
  dialogue: Dialogue,
  fields: SessionFields,
  { clock }: Pick<SessionServices, 'clock'>,
): Promise<Fate> {
  const giveUpAt = clock.now() + LIMITS.resolveMs;
  for (;;) {
    try {
      if (!dialogue.backing.isThere) await dialogue.reopen();
      const { error } = await ask(dialogue.backing.backend, `COMMIT PREPARED ${quoteLiteral(fields.preparedAs)}`);
      if (error === undefined) return 'committed';
      if (error.C === UNDEFINED_OBJECT) return settled(await ofTransaction(dialogue, fields.transactionId));
      if (error.C !== BUSY || clock.now() > giveUpAt) return 'unknown';
    } catch (error) {
      const mayPass = error instanceof BackendLost || error instanceof DatabaseRefused;
      if (!mayPass || clock.now() > giveUpAt) throw error;
      dialogue.backing.close();
    }
    await clock.wait(LIMITS.resolvePollMs); // another session is committing it
  }
}

function settled(fate: Fate | 'in progress'): Fate {
  return fate === 'in progress' ? 'unknown' : fate;
}
