// Running a transaction again: its requests, in order, each answer compared with what the client was given of it.

import { BackendLost, type Backend } from '../database/database.js';
import { extentOf, FLUSH } from '../wire/frontend-messages.js';
import type { TransactionStatus } from '../wire/message.js';
import { Exchange } from './exchange.js';
import { readJournal, type JournalEntry } from './journal.js';
import type { StatementBook } from './statement-book.js';

export type ReplayResult =
  /** `exchange` is the last one, where its answer, or its request, goes on. */
  | { readonly kind: 'equal'; readonly exchange: Exchange | undefined; readonly touched: ReadonlySet<string> }
  | { readonly kind: 'different'; readonly exchange: Exchange | undefined };

/** `status`: how the transaction stood behind the last entry that is complete. Rejects with `BackendLost`. */
export async function replay(
  backend: Backend,
  book: StatementBook,
  journal: Buffer,
  status: TransactionStatus,
): Promise<ReplayResult> {
  let reached: TransactionStatus = 'I';
  const touched = new Set<string>();
  for (const entry of readJournal(journal)) {
    const exchange = new Exchange(book);
    const isEqual = await repeat(backend, exchange, entry);
    if (!isEqual) return { kind: 'different', exchange: entry.state === 'open' ? exchange : undefined };
    if (entry.state === 'open') return { kind: 'equal', exchange, touched };
    for (const kind of exchange.touches()) touched.add(kind);
    reached = exchange.status ?? 'I';
  }
  return reached === status
    ? { kind: 'equal', exchange: undefined, touched }
    : { kind: 'different', exchange: undefined };
}

async function repeat(backend: Backend, exchange: Exchange, entry: JournalEntry): Promise<boolean> {
  exchange.expect({ length: entry.answerLength, digest: entry.digest });
  for (const message of messagesOf(entry.request)) exchange.ask(message);
  backend.write(exchange.isAsked ? entry.request : Buffer.concat([entry.request, FLUSH]));
  while (exchange.progress === 'under-way') {
    if (entry.state === 'open' && exchange.comparison !== 'under-way') break;
    exchange.receive(await backend.read());
  }
  if (exchange.progress === 'lost') throw new BackendLost();
  if (exchange.comparison !== 'equal') return false;
  if (entry.state === 'open') return true;
  backend.unread(exchange.leftover);
  return exchange.progress === 'ready' && exchange.relayLength === 0;
}

function* messagesOf(request: Buffer): Generator<Buffer> {
  for (let at = 0; at < request.length;) {
    const extent = extentOf(request, at);
    if (extent.kind !== 'whole') return;
    yield request.subarray(at, at + extent.length);
    at += extent.length;
  }
}
