// Requests that are one COMMIT or one ROLLBACK, and nothing beside it: those whose answer is known without the session that was
// asked.

import type { QueryClass } from '../sql/classify.js';
import type { Exchange } from './exchange.js';

/** The client has asked for it to the end, has nothing of its answer, and prepares nothing by it that it would use again. */
export function isPlainCommit(exchange: Exchange): boolean {
  return onlyStatementOf(exchange)?.commits === 'alone';
}

/** Likewise: a transaction that is lost has been rolled back, and so it may be asked again of one that has failed. */
export function isPlainRollback(exchange: Exchange): boolean {
  return onlyStatementOf(exchange)?.rollsBack === 'alone';
}

function onlyStatementOf(exchange: Exchange): QueryClass | undefined {
  const [only, ...others] = exchange.classes;
  const isAlone = others.length === 0 && !exchange.namesStatements && !exchange.isUnkept;
  return isAlone && exchange.isAsked && !exchange.hasGiven ? only : undefined;
}
