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

/** Takes the events of a connection. An object rather than a function, of which each connection would need its own. */
export interface EventTaker {
  receiveEvent(event: ConnectionEvent): void;
}

const NOTHING = (): void => undefined;
const NOBODY: EventTaker = { receiveEvent: NOTHING };

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
  /** The socket layer, or a test, sets it when it takes the connection. */
  taker: EventTaker = NOBODY;

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
