// Reports: what went wrong with one hosted connection, for whoever runs the application.
//
// A report never changes what happens: the connection concerned has been or is being closed, all others go on.

export interface ReportContext {
  readonly service: string;
  readonly cid: string | undefined;
  readonly epoch: number;
  readonly error: unknown;
}

export type Report =
  /** The container, the constructor or the initial values threw. */
  | (ReportContext & { readonly kind: 'handler-not-built' })
  /** A connection arrived with a snapshot that can't be gone on from; it was destroyed. */
  | (ReportContext & { readonly kind: 'restore-refused' })
  /** A stage threw, and it was not because the connection had left or died; it was destroyed. */
  | (ReportContext & { readonly kind: 'stage-failed'; readonly stage: string })
  /** The @Moved method threw; the connection is at another member and well. */
  | (ReportContext & { readonly kind: 'moved-failed' });

export type Reporter = (report: Report) => void;

/** One line without the stack trace: "stage-failed files/body cid 0123456789abcdef epoch 2: Error: ...". */
export function formatReport(report: Report): string {
  const place = report.kind === 'stage-failed' ? `${report.service}/${report.stage}` : report.service;
  return `${report.kind} ${place} cid ${report.cid ?? '-'} epoch ${report.epoch}: ${String(report.error)}`;
}

/** The reporter of an application that was given none. */
export function reportToConsole(report: Report): void {
  console.error(formatReport(report), report.error);
}
