// From the text of a script to the script: header options, then statements, each with its time.
//
// The language is that of packetdrill's published scripts. Total: any text gives a script or `NotExpressible`.

import { NotExpressible } from './not-expressible.js';
import { parseCall } from './parse-call.js';
import { parseEchoed, parseReport, parseSegment } from './parse-segment.js';
import type { Action, HeaderOption, Script, Statement, When } from './script.js';
import { TokenReader } from './token-reader.js';
import { tokensOf } from './tokens.js';

/** Throws `NotExpressible`. */
export function parseScript(text: string): Script {
  const reader = new TokenReader(tokensOf(text));
  const options: HeaderOption[] = [];
  while (reader.next.kind === 'option') {
    const { place, text: name, value } = reader.take();
    options.push({ place, name, value: value?.replace(/^"(.*)"$/, '$1') });
  }
  const statements: Statement[] = [];
  while (reader.next.kind !== 'end') statements.push(parseStatement(reader));
  return { options, statements };
}

function parseStatement(reader: TokenReader): Statement {
  const { place, kind } = reader.next;
  // Set-up before the first time stamp, clean-up after the last.
  if (kind === 'shell') {
    return { place, when: { kind: 'relative', afterMs: 0 }, action: { kind: 'shell', text: reader.take().text } };
  }
  const when = parseWhen(reader);
  const action = parseAction(reader);
  const isRange = when.kind === 'any' || when.kind === 'absolute-range' || when.kind === 'relative-range';
  if (isRange && action.kind !== 'expect') {
    throw new NotExpressible(place, "a range of times, or '*', is for segments that are expected");
  }
  return { place, when, action };
}

function parseWhen(reader: TokenReader): When {
  const { place } = reader.next;
  if (reader.skipSymbol('*') === 'taken') return { kind: 'any' };
  const isRelative = reader.skipSymbol('+') === 'taken';
  const fromMs = parseTime(reader);
  if (reader.skipSymbol('~') === 'absent') {
    return isRelative ? { kind: 'relative', afterMs: fromMs } : { kind: 'absolute', atMs: fromMs };
  }
  if (isRelative) reader.symbol('+');
  const untilMs = parseTime(reader);
  if (untilMs < fromMs) throw new NotExpressible(place, 'a range of times that ends before it begins');
  return { kind: isRelative ? 'relative-range' : 'absolute-range', fromMs, untilMs };
}

/** Seconds in the script. */
function parseTime(reader: TokenReader): number {
  const { kind, text, place } = reader.next;
  if (kind !== 'number') throw reader.unexpected('a time');
  reader.take();
  const seconds = Number(text);
  if (!(seconds >= 0)) throw new NotExpressible(place, 'a time is not negative');
  // A microsecond is the finest that scripts tell.
  return Math.round(seconds * 1_000_000) / 1000;
}

function parseAction(reader: TokenReader): Action {
  const { kind, place } = reader.next;
  if (kind === 'shell') return { kind: 'shell', text: reader.take().text };
  if (kind === 'code') throw new NotExpressible(place, "Python code that looks into Linux's TCP_INFO");
  if (reader.skipSymbol('...') === 'taken') return { kind: 'call', call: parseCall(reader, parseTime(reader)) };
  if (kind === 'word') return { kind: 'call', call: parseCall(reader, undefined) };
  if (reader.skipSymbol('<') === 'taken') {
    if (reader.skipWord('icmp') === 'taken') return { kind: 'report', report: parseReport(reader) };
    if (reader.isSymbol('[') && reader.peek(1).kind === 'number') {
      const echoed = parseEchoed(reader);
      if (reader.skipWord('icmp') === 'absent') throw reader.unexpected("'icmp'");
      return { kind: 'report', report: parseReport(reader, echoed) };
    }
    const segment = parseSegment(reader);
    if (segment.options === 'any') throw new NotExpressible(place, "'<...>' is for segments that are expected");
    return { kind: 'inject', segment };
  }
  if (reader.skipSymbol('>') === 'taken') {
    if (reader.isWord('icmp'))
      throw new NotExpressible(reader.next.place, 'ICMP from our side: the runner stands right below TCP');
    return { kind: 'expect', segment: parseSegment(reader) };
  }
  throw reader.unexpected('a segment, a system call or a command');
}
