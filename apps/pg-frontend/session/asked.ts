// What a client's message asks for: what the database will answer to it, and what is true once it has.

import type { QueryClass } from '../sql/classify.js';
import { readBind, readExecute, readNamed, readParse, readQuery } from '../wire/frontend-messages.js';
import { FRONTEND, HEADER_LENGTH, readCString } from '../wire/message.js';
import { UNCLEAR, type StatementBook } from './statement-book.js';

/** What completes it, and what is true then. */
export type Awaited =
  | { readonly kind: 'parse'; readonly name: string; readonly parse: Buffer; readonly query: QueryClass }
  | { readonly kind: 'bind'; readonly portal: string; readonly query: QueryClass }
  | { readonly kind: 'close'; readonly of: 'statement' | 'portal' | 'unknown'; readonly name: string }
  | { readonly kind: 'describe' }
  | { readonly kind: 'execute' };

export interface Asked {
  readonly awaited?: Awaited;
  /** What is known of the statement that is to be executed. */
  readonly executes?: QueryClass;
  /** It ends what the client asks: ReadyForQuery answers it. */
  readonly ends?: 'query' | 'sync';
  readonly says?: 'named-statement' | 'end-of-copy';
}

const NOTHING: Asked = {};
const EMPTY: Buffer = Buffer.alloc(0);

/** Of an 'unread' message only the beginning is there, with its names. `before`: what was asked before, and not answered. */
export function askedBy(
  message: Buffer,
  how: 'kept' | 'unread',
  book: StatementBook,
  before: readonly Awaited[],
): Asked {
  switch (message[0]) {
    case FRONTEND.query:
      book.statements.delete(''); // a simple Query destroys the unnamed statement
      return { executes: how === 'unread' ? UNCLEAR : book.classify(readQuery(message)), ends: 'query' };
    case FRONTEND.functionCall:
      return { executes: UNCLEAR, ends: 'query' };
    case FRONTEND.sync:
      return { ends: 'sync' };
    case FRONTEND.parse:
      return parseOf(message, how, book);
    case FRONTEND.bind: {
      const { portal = '', statement = '' } = readBind(message) ?? {};
      return { awaited: { kind: 'bind', portal, query: queryOfStatement(statement, book, before) } };
    }
    case FRONTEND.describe:
      return { awaited: { kind: 'describe' } };
    case FRONTEND.close: {
      const { kind: of = 'unknown', name = '' } = readNamed(message) ?? {};
      return { awaited: { kind: 'close', of, name }, ...(of === 'statement' && { says: 'named-statement' }) };
    }
    case FRONTEND.execute:
      return { awaited: { kind: 'execute' }, executes: queryOfPortal(readExecute(message) ?? '', book, before) };
    case FRONTEND.copyDone:
    case FRONTEND.copyFail:
      return { says: 'end-of-copy' };
    default:
      return NOTHING;
  }
}

function parseOf(message: Buffer, how: 'kept' | 'unread', book: StatementBook): Asked {
  const name = readCString(message, HEADER_LENGTH, 'latin1')?.text ?? '';
  const isUnread = how === 'unread';
  const query = isUnread ? UNCLEAR : book.classify(readParse(message)?.text);
  return {
    awaited: { kind: 'parse', name, parse: isUnread ? EMPTY : message, query },
    ...(name !== '' && { says: 'named-statement' }),
  };
}

/** Of the statement as it will be once all that was asked before has been answered. */
function queryOfStatement(name: string, book: StatementBook, before: readonly Awaited[]): QueryClass {
  const parse = before.findLast((each) => each.kind === 'parse' && each.name === name);
  return parse?.kind === 'parse' ? parse.query : (book.statements.get(name)?.query ?? UNCLEAR);
}

function queryOfPortal(name: string, book: StatementBook, before: readonly Awaited[]): QueryClass {
  const bind = before.findLast((each) => each.kind === 'bind' && each.portal === name);
  return bind?.kind === 'bind' ? bind.query : (book.portals.get(name) ?? UNCLEAR);
}
