// A response as the pieces that it is written of: texts, which are known before the first byte leaves, and ranges of one file.
//
// A response that is being sent is data: what of it is still to be written is in the snapshot, so it ends at another member
// as it was begun, with the same date and the same boundary.

import { createHash } from 'node:crypto';
import { formatDate } from './conditions.js';
import type { ByteRange } from './ranges.js';
import type { Persistence } from './request.js';

export type Piece = { readonly kind: 'text'; readonly text: string } | (ByteRange & { readonly kind: 'file' });

export const REASONS = {
  200: 'OK',
  206: 'Partial Content',
  301: 'Moved Permanently',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  505: 'HTTP Version Not Supported',
} as const;

export type Status = keyof typeof REASONS;

type FieldList = readonly (readonly [name: string, value: string | number])[];

/** What all responses to one request have in common. */
export interface Occasion {
  readonly method: string;
  readonly persistence: Persistence;
  readonly nowMs: number;
}

/** What is to be written, the head first. */
export interface Response {
  readonly status: Status;
  readonly pieces: readonly Piece[];
  readonly persistence: Persistence;
}

/** A response with a line of text that says what its status means. */
export function textResponse(occasion: Occasion, status: Status, fields: FieldList, detail?: string): Response {
  const text = `${status} ${REASONS[status]}${detail === undefined ? '' : `: ${detail}`}\n`;
  const head: FieldList = [...fields, ['Content-Type', 'text/plain; charset=utf-8'], ['Content-Length', text.length]];
  return response(occasion, status, head, [{ kind: 'text', text }]);
}

/** A response without content, such as 304. */
export function emptyResponse(occasion: Occasion, status: Status, fields: FieldList): Response {
  return response(occasion, status, fields, []);
}

/** The whole file. */
export function fileResponse(occasion: Occasion, fields: FieldList, type: string, size: number): Response {
  const head: FieldList = [...fields, ['Content-Type', type], ['Content-Length', size]];
  return response(occasion, 200, head, [filePiece({ offset: 0, endOffset: size })]);
}

/** One range as it is, several as multipart/byteranges (RFC 9110 section 14.6). */
export function rangeResponse(
  occasion: Occasion,
  fields: FieldList,
  type: string,
  size: number,
  ranges: readonly ByteRange[],
): Response {
  const [range] = ranges;
  if (ranges.length === 1 && range !== undefined) {
    const length = range.endOffset - range.offset;
    const single: FieldList = [['Content-Type', type], ['Content-Length', length], contentRange(range, size)];
    return response(occasion, 206, [...fields, ...single], [filePiece(range)]);
  }
  const boundary = boundaryFor(occasion, fields);
  const pieces = ranges.flatMap((part, index): Piece[] => {
    const fieldsOfPart = formatFields([['Content-Type', type], contentRange(part, size)]);
    return [
      { kind: 'text', text: `${index === 0 ? '' : '\r\n'}--${boundary}\r\n${fieldsOfPart}\r\n` },
      filePiece(part),
    ];
  });
  pieces.push({ kind: 'text', text: `\r\n--${boundary}--\r\n` });
  const multipart: FieldList = [
    ['Content-Type', `multipart/byteranges; boundary=${boundary}`],
    ['Content-Length', pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)],
  ];
  return response(occasion, 206, [...fields, ...multipart], pieces);
}

function response(
  { method, persistence, nowMs }: Occasion,
  status: Status,
  fields: FieldList,
  content: readonly Piece[],
): Response {
  const general: FieldList = [
    ['Date', formatDate(nowMs)],
    ['Connection', persistence],
  ];
  const text = `HTTP/1.1 ${status} ${REASONS[status]}\r\n${formatFields([...general, ...fields])}\r\n`;
  const body = method === 'HEAD' ? [] : content.filter((piece) => lengthOf(piece) > 0);
  return { status, pieces: [{ kind: 'text', text }, ...body], persistence };
}

function formatFields(fields: FieldList): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

function contentRange({ offset, endOffset }: ByteRange, size: number): readonly [string, string] {
  return ['Content-Range', `bytes ${offset}-${endOffset - 1}/${size}`];
}

function filePiece(range: ByteRange): Piece {
  return { kind: 'file', ...range };
}

/** All texts are ASCII. */
function lengthOf(piece: Piece): number {
  return piece.kind === 'text' ? piece.text.length : piece.endOffset - piece.offset;
}

/** No file has it inside but one that was written knowing the second in which it would be asked for. */
function boundaryFor({ nowMs }: Occasion, fields: FieldList): string {
  return createHash('sha256')
    .update(JSON.stringify([nowMs, fields]))
    .digest('hex')
    .slice(0, 32);
}
