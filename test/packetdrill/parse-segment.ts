// Segments and ICMP messages: what follows `<` or `>`.

import { NotExpressible } from './not-expressible.js';
import { FLAG_LETTERS, type Marking, type OptionText, type ReportText, type SegmentText } from './script.js';
import type { TokenReader } from './token-reader.js';

const MAX_UINT8 = 0xff;
const MAX_UINT16 = 0xffff;
const MAX_UINT32 = 0xffff_ffff;
const OPTION_KIND = { md5: 19, fastOpen: 34, experiment: 254 } as const;
const FAST_OPEN_EXPERIMENT = 'f989';

/** What is not plain TCP, by the word that begins it. */
const OTHER_PROTOCOLS = new Map([
  ['udp', 'UDP: this stack is TCP only'],
  ['ipv4', 'an IP header in front of the segment (encapsulation): the runner stands right below TCP'],
  ['ipv6', 'an IP header in front of the segment (encapsulation): the runner stands right below TCP'],
  ['gre', 'GRE: the runner stands right below TCP'],
  ['mpls', 'MPLS: the runner stands right below TCP'],
]);

/** After the direction. Throws `NotExpressible`. */
export function parseSegment(reader: TokenReader): SegmentText {
  const marking = parseMarking(reader);
  refuseOtherProtocols(reader);
  const flags = parseFlags(reader);
  const { sequence, length } = parseSequence(reader);
  const acknowledgment =
    reader.skipWord('ack') === 'taken' ? reader.whole('the acknowledgment', MAX_UINT32) : undefined;
  const window = reader.skipWord('win') === 'taken' ? reader.whole('the window', MAX_UINT16) : undefined;
  const urgent = reader.skipWord('urg') === 'taken' ? reader.whole('the urgent pointer', MAX_UINT16) : undefined;
  const options = parseOptions(reader);
  if (reader.isSymbol('{')) throw new NotExpressible(reader.next.place, 'bits changed on purpose ({mut ...})');
  return { marking, flags, sequence, length, acknowledgment, window, urgent, options };
}

const MARKINGS: readonly Marking[] = ['noecn', 'ect0', 'ect1', 'ect01', 'ce'];

/** `[ect0]`, `(ce)`; of the IP header nothing else is known here. */
function parseMarking(reader: TokenReader): Marking | undefined {
  if (!reader.isSymbol('[') && !reader.isSymbol('(')) return undefined;
  const [open, content, close] = [reader.peek(0), reader.peek(1), reader.peek(2)];
  const marking = MARKINGS.find((known) => known === content.text);
  if (marking === undefined || close.text !== (open.text === '[' ? ']' : ')')) {
    throw new NotExpressible(open.place, `the IP header (${content.text}): the runner stands right below TCP`);
  }
  for (let count = 0; count < 3; count++) reader.take();
  return marking;
}

function refuseOtherProtocols(reader: TokenReader): void {
  const reason = reader.next.kind === 'word' ? OTHER_PROTOCOLS.get(reader.next.text.toLowerCase()) : undefined;
  if (reason !== undefined) throw new NotExpressible(reader.next.place, reason);
  if (reader.next.kind === 'number' && reader.peek(1).text === '>') {
    throw new NotExpressible(reader.next.place, 'ports: all segments of a script are between the same two');
  }
}

function parseFlags(reader: TokenReader): string {
  const { place } = reader.next;
  if (reader.skipSymbol('-') === 'taken') return '';
  let letters = '';
  if (reader.next.kind === 'word') letters = reader.take().text;
  if (reader.skipSymbol('.') === 'taken') letters += '.';
  if (letters === '') throw reader.unexpected('the flags of a segment');
  const unknown = FLAG_LETTERS.reduce((rest, [known]) => rest.replaceAll(known, ''), letters);
  if (unknown !== '') throw new NotExpressible(place, `'${letters}' are no flags that we know`);
  return FLAG_LETTERS.map(([letter]) => (letters.includes(letter) ? letter : '')).join('');
}

/** `1:1001(1000)`. */
function parseSequence(reader: TokenReader): { readonly sequence: number; readonly length: number } {
  const { place } = reader.next;
  const sequence = reader.whole('a sequence number', MAX_UINT32);
  reader.symbol(':');
  const end = reader.whole('a sequence number', MAX_UINT32);
  reader.symbol('(');
  const length = reader.whole('the length of the payload', MAX_UINT16);
  reader.symbol(')');
  if (end !== (sequence + length) >>> 0) {
    throw new NotExpressible(place, `${sequence}:${end} is not ${length} bytes long`);
  }
  return { sequence, length };
}

function parseOptions(reader: TokenReader): readonly OptionText[] | 'any' {
  // A segment's own options; `<` also begins the next statement's direction, but never without a time before it.
  if (reader.skipSymbol('<') === 'absent') return [];
  if (reader.skipSymbol('...') === 'taken') {
    reader.symbol('>');
    return 'any';
  }
  const options: OptionText[] = [];
  do options.push(parseOption(reader));
  while (reader.skipSymbol(',') === 'taken');
  reader.symbol('>');
  return options;
}

function parseOption(reader: TokenReader): OptionText {
  const { place } = reader.next;
  const name = reader.word('a TCP option');
  switch (name) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind: name };
    case 'mss':
      return { kind: 'mss', size: reader.whole('the MSS', MAX_UINT16) };
    case 'wscale':
      return { kind: 'wscale', shift: reader.whole('the shift', MAX_UINT8) };
    case 'sack':
      return parseSack(reader);
    case 'TS': {
      if (reader.skipWord('val') === 'absent') throw reader.unexpected("'val'");
      const value = reader.whole('the timestamp', MAX_UINT32);
      if (reader.skipWord('ecr') === 'absent') throw reader.unexpected("'ecr'");
      return { kind: 'TS', value, echo: reader.whole('the echoed timestamp', MAX_UINT32) };
    }
    case 'FO':
      return { kind: 'other', code: OPTION_KIND.fastOpen, content: parseHex(reader, '') };
    case 'FOEXP':
      return { kind: 'other', code: OPTION_KIND.experiment, content: parseHex(reader, FAST_OPEN_EXPERIMENT) };
    case 'md5':
      return { kind: 'other', code: OPTION_KIND.md5, content: parseHex(reader, '') };
    default:
      throw new NotExpressible(place, `the TCP option '${name}' is not known here`);
  }
}

function parseSack(reader: TokenReader): OptionText {
  const blocks: { left: number; right: number }[] = [];
  do {
    const left = reader.whole("a block's left edge", MAX_UINT32);
    reader.symbol(':');
    blocks.push({ left, right: reader.whole("a block's right edge", MAX_UINT32) });
  } while (reader.next.kind === 'number');
  return { kind: 'sack', blocks };
}

function parseHex(reader: TokenReader, prefix: string): Uint8Array {
  const { kind, text, place } = reader.next;
  const digits = kind === 'word' || kind === 'number' ? reader.take().text : '';
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits)) throw new NotExpressible(place, `'${text}' are no bytes in hexadecimal`);
  return Buffer.from(prefix + digits, 'hex');
}

/** The codes of 'unreachable' in their order from 0 on, by all names that scripts have for them. */
const UNREACHABLE_CODES: readonly (readonly string[])[] = [
  ['net_unreachable'],
  ['host_unreachable'],
  ['protocol_unreachable', 'proto_unreachable'],
  ['port_unreachable'],
  ['frag_needed'],
  ['source_route_failed'],
  ['net_unknown'],
  ['host_unknown'],
  ['source_host_isolated'],
  ['net_prohibited'],
  ['host_prohibited'],
  ['net_unreachable_for_tos'],
  ['host_unreachable_for_tos'],
  ['packet_filtered'],
  ['precedence_violation'],
  ['precedence_cutoff'],
];
const HARD_CODES = [2, 3];
/** No driver of ours hands them up; a type or code that nobody knows is among them. */
const IGNORED_TYPES =
  /^(?:echo_reply|echo_request|source_quench|redirect|time_exceeded|parameter_problem|(?:timestamp|information|address_mask)_(?:request|reply)|type_\d+)$/;

/** After `< icmp`. Older scripts have the segment in question in front of it: `echoed` is its number. */
export function parseReport(reader: TokenReader, echoed = 0): ReportText {
  const { place } = reader.next;
  const type = reader.word('the type of an ICMP message');
  const code = reader.next.kind === 'word' && !reader.isWord('mtu') ? reader.word('its code') : '';
  const mtu = reader.skipWord('mtu') === 'taken' ? reader.whole('the MTU', MAX_UINT16) : undefined;
  const sequence = reader.isSymbol('[') ? parseEchoed(reader) : echoed;
  if (type === 'packet_too_big' || code === 'frag_needed') {
    return { kind: 'packet-too-big', mtu: mtu ?? 0, sequence };
  }
  if (type === 'unreachable' || type === 'dst_unreachable') {
    const number = /^code_\d+$/.test(code)
      ? Number(code.slice('code_'.length))
      : UNREACHABLE_CODES.findIndex((names) => names.includes(code));
    if (number >= UNREACHABLE_CODES.length) return { kind: 'ignored' };
    if (number >= 0) {
      return { kind: 'unreachable', hardness: HARD_CODES.includes(number) ? 'hard' : 'soft', sequence };
    }
  }
  if (IGNORED_TYPES.test(type)) return { kind: 'ignored' };
  throw new NotExpressible(place, `ICMP '${`${type} ${code}`.trim()}' is not known here`);
}

/** `[1:1001(1000)]`: the segment that the message is about. */
export function parseEchoed(reader: TokenReader): number {
  reader.symbol('[');
  refuseOtherProtocols(reader);
  const { sequence } = parseSequence(reader);
  reader.symbol(']');
  return sequence;
}
