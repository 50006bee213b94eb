// What can be committed in two phases, or answered by what became of the transaction: one COMMIT, and nothing beside it.

import type { Exchange } from './exchange.js';

/** The client has asked for it to the end, has nothing of its answer, and prepares nothing by it that it would use again. */
export function isPlainCommit(exchange: Exchange): boolean {
  const [only, ...others] = exchange.classes;
  const isPlain = only?.commits === 'alone' && others.length === 0 && !exchange.namesStatements;
  return isPlain && exchange.isAsked && exchange.given().length === 0;
}
