// A connection in the host's tables: its record, and where the tables hold it.

import type { ConnectionEvent, MigratoryRecord } from '../migration/record.js';
import type { ConnectionId } from '../wire/migrate-options.js';
import type { HeapEntry } from './deadline-heap.js';

/** Who accepted a connection. */
export interface Acceptor {
  readonly options: { readonly onConnection: (connection: HostConnection) => void };
}

/** Connections of a listener that are not open yet. */
export interface Waiting {
  count: number;
}

/** One for all connections. */
const NOTHING = (): void => undefined;

export class HostConnection implements HeapEntry {
  deadline = Infinity;
  heapIndex = -1;
  /** The keys under which the path table has it. */
  paths: readonly string[] = [];
  /** Set once it is known at this member by its cid. */
  cid: ConnectionId | undefined;
  /** Where its listener counts it until it is open. */
  waiting: Waiting | undefined;
  /** The epoch that it last had, and the bytes of the image in which it came; 0 where it began here. */
  epoch = 0;
  imageLength = 0;
  /** Takes the events; the socket layer, or a test, sets it when it takes the connection. */
  onEvent: (event: ConnectionEvent) => void = NOTHING;

  /** Called when the tables have forgotten the connection, TIME-WAIT included. */
  onRemoved: () => void = NOTHING;

  readonly record: MigratoryRecord;
  /** Undefined at a client. */
  readonly listener: Acceptor | undefined;

  constructor(record: MigratoryRecord, listener: Acceptor | undefined) {
    this.record = record;
    this.listener = listener;
  }
}
