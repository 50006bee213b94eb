// What the server tells about requests, to whoever binds a log.

export interface RequestEntry {
  readonly cid: string | undefined;
  readonly epoch: number;
  /** Empty where the request was not understood. */
  readonly method: string;
  readonly target: string;
  readonly status: number;
}

/** Told of each answer as it is planned; after a move perhaps of the same one again. */
export class RequestLog {
  constructor(readonly record: (entry: RequestEntry) => void) {}
}
