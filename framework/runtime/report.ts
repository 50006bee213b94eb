// Reports: which connections come and go, and what goes wrong with one of them, for whoever runs the application.
//
// A report never changes what happens: the connection concerned has moved, or has been or is being closed; all others go on.

import type { Departure } from '../definition.js';
import type { SnapshotMismatch } from '../errors.js';
import { textOfThrown } from '../thrown.js';

/** Which connection of which service a report is about. */
export interface ReportContext {
  readonly service: string;
  /** 16 hexadecimal digits; undefined for a client that doesn't speak the migration options. */
  readonly cid: string | undefined;
  readonly epoch: number;
}

interface FailureContext extends ReportContext {
  readonly error: unknown;
}

/** A connection came or went, and all is well. */
export type Movement =
  /** A client has connected. */
  | (ReportContext & { readonly kind: 'accepted' })
  /** A connection has come from another member, in an image of so many bytes. */
  | (ReportContext & { readonly kind: 'arrived'; readonly imageLength: number })
  /** A connection has left for the member `to`, where that is known; `epoch` is the one that it has there. */
  | (ReportContext & { readonly kind: 'departed'; readonly to: Departure['to'] })
  /** A connection wanted to come, can't be gone on with here, and stays where it is. */
  | { readonly kind: 'arrival-refused'; readonly service: string; readonly because: SnapshotMismatch };

/** Something went wrong with one connection; `error` is what was thrown. */
export type Failure =
  /** The container, the constructor or the initial values threw. */
  | (FailureContext & { readonly kind: 'handler-not-built' })
  /** A connection arrived with a snapshot that can't be gone on from; it was destroyed. */
  | (FailureContext & { readonly kind: 'restore-refused' })
  /** A stage threw, and it was not because the connection had left or died; it was ended by the method with `@Failed`, or destroyed. */
  | (FailureContext & { readonly kind: 'stage-failed'; readonly stage: string })
  /** The method with `@Failed` threw, or took too long; the connection was destroyed. */
  | (FailureContext & { readonly kind: 'failed-failed'; readonly stage: string })
  /** What a stage had opened could not be closed. */
  | (FailureContext & { readonly kind: 'not-closed'; readonly stage: string })
  /** More was read since the restart point than is kept: the connection can't move until the next one, and goes on. */
  | (FailureContext & { readonly kind: 'input-log-overflowed'; readonly stage: string })
  /** The method with `@Moved` threw; the connection is at another member and well. */
  | (FailureContext & { readonly kind: 'moved-failed' });

/** What an application tells of its connections. */
export type Report = Movement | Failure;

/** Called at once and synchronously; what it throws goes to the console, and changes nothing. */
export type Reporter = (report: Report) => void;

/**
 * One line without the stack trace: "stage-failed files/body cid 0123456789abcdef epoch 2: Error: ...".
 *
 * @public
 */
export function formatReport(report: Report): string {
  const place = 'stage' in report ? `${report.service}/${report.stage}` : report.service;
  if (report.kind === 'arrival-refused') return `${report.kind} ${place}: ${oneLine(report.because.message)}`;
  const line = `${report.kind} ${place} cid ${report.cid ?? '-'} epoch ${report.epoch}`;
  switch (report.kind) {
    case 'accepted':
      return line;
    case 'arrived':
      return `${line}: image of ${report.imageLength} bytes`;
    case 'departed':
      return report.to === undefined ? line : `${line}: to member ${report.to}`;
    default:
      return `${line}: ${oneLine(textOfThrown(report.error))}`;
  }
}

/** What a client has sent may be in an error's message: it must not make lines of its own, nor command a terminal. */
function oneLine(text: string): string {
  return text.replaceAll(CONTROL, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}

const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

/** The reporter of an application that was given none: it tells what went wrong. */
export function reportToConsole(report: Report): void {
  if ('error' in report) console.error(formatReport(report), report.error);
}
