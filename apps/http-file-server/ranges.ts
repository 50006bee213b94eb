// Ranges of bytes: what a Range header field asks for, of a file of a known size (RFC 9110 section 14).
//
// Several ranges come back in the order of the request, overlapping and touching ones joined, so that no request makes the
// server send a byte twice.

/** `offset` to `endOffset`, exclusive. */
export interface ByteRange {
  offset: number;
  readonly endOffset: number;
}

export type RangeSelection =
  /** No range, none that is understood, or too many: all of the file. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }
  /** Understood, and the file has none of it. */
  | { readonly kind: 'unsatisfiable' };

const RANGES = /^bytes=[ \t]*([\d \t,-]+)$/i;
const RANGE = /^(\d*)-(\d*)$/;

export function selectRanges(field: string | undefined, size: number, maxCount: number): RangeSelection {
  const [, list] = RANGES.exec(field ?? '') ?? [];
  if (list === undefined) return { kind: 'whole' };
  const ranges: ByteRange[] = [];
  for (const item of list.split(',')) {
    const text = item.trim();
    if (text === '') continue; // RFC 9110 section 5.6.1.2: empty elements are ignored
    const range = parseRange(text, size);
    if (range === 'malformed') return { kind: 'whole' };
    if (range.offset < range.endOffset) ranges.push(range);
  }
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  const joined = join(ranges);
  return joined.length > maxCount ? { kind: 'whole' } : { kind: 'ranges', ranges: joined };
}

/** An empty range where the file has nothing of it. */
function parseRange(text: string, size: number): ByteRange | 'malformed' {
  const [, first = '', last = ''] = RANGE.exec(text) ?? [];
  if (first === '' && last === '') return 'malformed';
  if (first === '') return { offset: Math.max(0, size - Number(last)), endOffset: size };
  if (last !== '' && Number(last) < Number(first)) return 'malformed';
  return { offset: Number(first), endOffset: last === '' ? size : Math.min(size, Number(last) + 1) };
}

function join(ranges: readonly ByteRange[]): ByteRange[] {
  const ascending = ranges.map((range, order) => ({ ...range, order })).sort((one, other) => one.offset - other.offset);
  const joined: { offset: number; endOffset: number; order: number }[] = [];
  for (const range of ascending) {
    const before = joined.at(-1);
    if (before === undefined || range.offset > before.endOffset) {
      joined.push(range);
      continue;
    }
    before.endOffset = Math.max(before.endOffset, range.endOffset);
    before.order = Math.min(before.order, range.order);
  }
  return joined.sort((one, other) => one.order - other.order).map(({ offset, endOffset }) => ({ offset, endOffset }));
}
