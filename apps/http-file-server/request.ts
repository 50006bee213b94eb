// The head of a request: request line and field lines to a validated record (RFC 9112 sections 2 to 6).
//
// Strict where leniency has been used for request smuggling: lines end in CRLF, no space before a colon, no folded lines,
// one framing. After a refusal of this kind nobody can say where the next request begins, so the connection ends.

/** Field values by lower-case name; several of one name are joined by ", ". */
export type Fields = ReadonlyMap<string, string>;

/** Whether a further request may follow on the connection. */
export type Persistence = 'keep-alive' | 'close';

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
  readonly persistence: Persistence;
  /** Bytes of content that follow the head. */
  readonly contentLength: number;
  readonly expectation: 'none' | 'continue';
}

export type ParsedHead =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'refused'; readonly status: 400 | 417 | 501 | 505; readonly because: string };

const TOKEN = String.raw`[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+`;
const REQUEST_LINE = new RegExp(String.raw`^(${TOKEN}) ([^ ]+) HTTP/(\d)\.(\d)$`);
const FIELD_LINE = new RegExp(String.raw`^(${TOKEN}):[ \t]*(.*?)[ \t]*$`);
/** What a field value may hold, as Latin-1: no control characters but the tab. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(?::\d*)?$/;
const CONTENT_LENGTH = /^\d{1,15}$/;

/** Lines as Latin-1 without their CRLF. */
export function parseHead(requestLine: string, fieldLines: readonly string[]): ParsedHead {
  const [, method, target, major, minor] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) return refused(400, 'the request line is malformed');
  if (major !== '1') return refused(505, 'only HTTP/1 is spoken here');
  const version = minor === '0' ? '1.0' : '1.1';
  const fields = parseFields(fieldLines);
  if (fields === undefined) return refused(400, 'a field line is malformed');
  const host = fields.get('host');
  if (host === undefined ? version === '1.1' : !HOST.test(host) || countOf(fieldLines, 'host') > 1) {
    return refused(400, 'one valid Host field is needed');
  }
  const framing = parseFraming(fields, version);
  if (framing.kind === 'refused') return framing;
  const expectation = version === '1.0' ? '' : (fields.get('expect') ?? '').toLowerCase();
  if (expectation !== '' && expectation !== '100-continue') return refused(417, 'the expectation is unknown');
  return {
    kind: 'head',
    head: {
      method,
      target,
      fields,
      persistence: persistenceOf(fields, version),
      contentLength: framing.contentLength,
      expectation: expectation === '' || framing.contentLength === 0 ? 'none' : 'continue',
    },
  };
}

function refused(status: 400 | 417 | 501 | 505, because: string): Extract<ParsedHead, { kind: 'refused' }> {
  return { kind: 'refused', status, because };
}

function parseFields(lines: readonly string[]): Fields | undefined {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined || !FIELD_VALUE.test(value)) return undefined;
    const key = name.toLowerCase();
    const former = fields.get(key);
    fields.set(key, former === undefined ? value : `${former}, ${value}`);
  }
  return fields;
}

function countOf(lines: readonly string[], name: string): number {
  return lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).length;
}

/** How long the content is (RFC 9112 section 6.3). Transfer codings are for uploads, which nobody takes here. */
function parseFraming(
  fields: Fields,
  version: '1.0' | '1.1',
): { readonly kind: 'length'; readonly contentLength: number } | Extract<ParsedHead, { kind: 'refused' }> {
  const coding = fields.get('transfer-encoding');
  const length = fields.get('content-length');
  if (coding !== undefined) {
    if (length !== undefined) return refused(400, 'Transfer-Encoding and Content-Length exclude each other');
    if (version === '1.0') return refused(400, 'HTTP/1.0 has no transfer codings');
    return refused(501, 'requests with a transfer coding are not taken');
  }
  if (length === undefined) return { kind: 'length', contentLength: 0 };
  if (!CONTENT_LENGTH.test(length)) return refused(400, 'Content-Length is malformed');
  return { kind: 'length', contentLength: Number(length) };
}

/** RFC 9112 section 9.3. */
function persistenceOf(fields: Fields, version: '1.0' | '1.1'): Persistence {
  const options = (fields.get('connection') ?? '').toLowerCase().split(/[ \t]*,[ \t]*/);
  if (options.includes('close')) return 'close';
  return version === '1.1' || options.includes('keep-alive') ? 'keep-alive' : 'close';
}
