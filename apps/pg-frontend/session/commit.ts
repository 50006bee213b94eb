// What became of a COMMIT whose session at the database was lost: the transaction's id tells.

import { ask } from '../database/ask.js';
import { BackendLost, DatabaseRefused } from '../database/database.js';
import { LIMITS } from '../limits.js';
import { commandComplete, errorResponse, readyForQuery, type Complaint } from '../wire/backend-messages.js';
import { extentOf, readNamed } from '../wire/frontend-messages.js';
import { BACKEND, FRONTEND, int32, message } from '../wire/message.js';
import { SessionEnded } from './backing.js';
import type { Dialogue } from './dialogue.js';
import type { Exchange } from './exchange.js';
import { isPlainCommit } from './plain-endings.js';
import type { SessionFields } from './session-fields.js';
import type { SessionServices } from './session-services.js';

export type Fate = 'committed' | 'aborted' | 'unknown';

/**
 * Opens another session and asks. A transaction without an id has written nothing: there is nothing that could have been
 * committed. Rejects with `DatabaseRefused` and `SessionEnded` where no other session can be had.
 */
export async function fateOf(
  dialogue: Dialogue,
  fields: SessionFields,
  { clock }: Pick<SessionServices, 'clock'>,
): Promise<Fate> {
  const giveUpAt = clock.now() + LIMITS.resolveMs;
  const isWritten = /^\d+$/.test(fields.transactionId);
  if (!isWritten && !isPlainCommit(dialogue.exchange)) return 'unknown'; // what stood beside the COMMIT may have written
  for (;;) {
    try {
      await dialogue.reopen();
      const fate = isWritten ? await ofTransaction(dialogue, fields.transactionId) : 'aborted';
      if (fate !== 'in progress') return fate;
      if (clock.now() > giveUpAt) return 'unknown';
    } catch (error) {
      const mayPass = error instanceof BackendLost || error instanceof DatabaseRefused;
      if (!mayPass || clock.now() > giveUpAt) throw error;
    }
    await clock.wait(LIMITS.resolvePollMs);
  }
}

/** Asked at a session that is there. Rejects with `BackendLost`. */
export async function ofTransaction(dialogue: Dialogue, id: string): Promise<Fate | 'in progress'> {
  const { rows } = await ask(dialogue.backing.backend, `SELECT pg_catalog.pg_xact_status('${id}')`);
  const status = rows[0]?.[0];
  return status === 'committed' || status === 'aborted' || status === 'in progress' ? status : 'unknown';
}

const NOT_COMMITTED: Complaint = {
  severity: 'ERROR',
  code: '40001',
  message: 'could not serialize access: the transaction was rolled back because its session at the database was lost',
  hint: 'The transaction might succeed if retried.',
};

/**
 * What answers the exchange that was to commit. Throws `SessionEnded`, which tells the fate, where the exchange was more than
 * one COMMIT, or where its fate is not known.
 */
export function commitAnswer(exchange: Exchange, fate: Fate): Buffer {
  if (!isPlainCommit(exchange) || fate === 'unknown') throw new SessionEnded(told(fate));
  return answerBy(exchange, fate === 'committed' ? commandComplete('COMMIT') : errorResponse(NOT_COMMITTED));
}

/** What answers an exchange that is one COMMIT, where `outcome` is the CommandComplete or the ErrorResponse of that. */
export function answerBy(exchange: Exchange, outcome: Buffer): Buffer {
  return Buffer.concat([...answers(exchange.request, outcome), readyForQuery('I')]);
}

function told(fate: Fate): Complaint {
  const said = { committed: 'was committed', aborted: 'was rolled back', unknown: 'may have been committed or not' };
  return {
    severity: 'FATAL',
    code: fate === 'aborted' ? '40001' : '08007',
    message: 'the session at the database was lost while a transaction was being committed',
    detail: `The transaction ${said[fate]}.`,
  };
}

/** Of each message up to the one that is answered by an error. */
function* answers(request: Buffer, outcome: Buffer): Generator<Buffer> {
  for (let at = 0; at < request.length;) {
    const extent = extentOf(request, at);
    if (extent.kind !== 'whole') return;
    const whole = request.subarray(at, at + extent.length);
    at += extent.length;
    switch (extent.type) {
      case FRONTEND.parse:
        yield message(BACKEND.parseComplete);
        break;
      case FRONTEND.bind:
        yield message(BACKEND.bindComplete);
        break;
      case FRONTEND.close:
        yield message(BACKEND.closeComplete);
        break;
      case FRONTEND.describe:
        if (readNamed(whole)?.kind === 'statement')
          yield message(BACKEND.parameterDescription, int32(0).subarray(0, 2));
        yield message(BACKEND.noData);
        break;
      case FRONTEND.query:
      case FRONTEND.execute:
        yield outcome;
        if (outcome[0] === BACKEND.errorResponse) return;
        break;
      default:
        break;
    }
  }
}
