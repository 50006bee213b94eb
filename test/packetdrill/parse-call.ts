// System calls: `connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)`.

import { NotExpressible } from './not-expressible.js';
import type { Call, Expression } from './script.js';
import type { TokenReader } from './token-reader.js';

/** Braces and brackets inside one another, at most. */
const MAX_DEPTH = 16;

/** From the name of the call on. */
export function parseCall(reader: TokenReader, endsMs: number | undefined): Call {
  const name = reader.word('a system call');
  const args = parseArguments(reader, 0);
  reader.symbol('=');
  const result = parseExpression(reader, 0);
  let failure: string | undefined;
  // A time stamp may follow, but never a word.
  if (reader.next.kind === 'word') failure = reader.take().text;
  if (reader.isSymbol('(')) skipNote(reader);
  return { name, arguments: args, result, failure, endsMs };
}

/** `(Connection refused)` is for people. */
function skipNote(reader: TokenReader): void {
  reader.symbol('(');
  while (!reader.isSymbol(')')) {
    if (reader.next.kind === 'end') throw reader.unexpected("')'");
    reader.take();
  }
  reader.take();
}

function parseArguments(reader: TokenReader, depth: number): Expression[] {
  reader.symbol('(');
  return parseList(reader, ')', depth);
}

function parseList(reader: TokenReader, close: string, depth: number): Expression[] {
  const items: Expression[] = [];
  if (reader.skipSymbol(close) === 'taken') return items;
  do items.push(parseExpression(reader, depth + 1));
  while (reader.skipSymbol(',') === 'taken');
  reader.symbol(close);
  return items;
}

function parseExpression(reader: TokenReader, depth: number): Expression {
  if (depth > MAX_DEPTH) throw new NotExpressible(reader.next.place, 'expressions inside one another without end');
  const first = parsePart(reader, depth);
  if (!reader.isSymbol('|')) return first;
  const parts = [first];
  while (reader.skipSymbol('|') === 'taken') parts.push(parsePart(reader, depth));
  return { kind: 'union', parts };
}

function parsePart(reader: TokenReader, depth: number): Expression {
  const { kind, text, place } = reader.next;
  switch (kind) {
    case 'number':
      reader.take();
      return { kind: 'number', value: Number(text) };
    case 'text':
      reader.take();
      reader.skipSymbol('...');
      return { kind: 'text', text };
    case 'word':
      reader.take();
      if (reader.isSymbol('(')) return { kind: 'application', name: text, arguments: parseArguments(reader, depth) };
      return { kind: 'word', name: text };
    case 'symbol':
      if (reader.skipSymbol('...') === 'taken') return { kind: 'ellipsis' };
      if (reader.skipSymbol('[') === 'taken') return { kind: 'list', items: parseList(reader, ']', depth) };
      if (reader.skipSymbol('{') === 'taken') return parseStruct(reader, depth);
      break;
    default:
      break;
  }
  throw new NotExpressible(place, `expected a value, found ${kind === 'end' ? 'the end' : `'${text}'`}`);
}

/** `{fd=3, events=POLLIN}`, or the values alone. */
function parseStruct(reader: TokenReader, depth: number): Expression {
  const fields = new Map<string, Expression>();
  do {
    const isNamed = reader.next.kind === 'word' && reader.peek(1).kind === 'symbol' && reader.peek(1).text === '=';
    const name = isNamed ? reader.take().text : String(fields.size);
    if (isNamed) reader.symbol('=');
    fields.set(name, parseExpression(reader, depth + 1));
    if (!isNamed && reader.skipSymbol('=') === 'taken') {
      // `msg_name(...)=...`
      fields.set(name, parseExpression(reader, depth + 1));
    }
  } while (reader.skipSymbol(',') === 'taken');
  reader.symbol('}');
  return { kind: 'struct', fields };
}
