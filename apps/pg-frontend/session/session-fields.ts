// What travels with a session: the fields of its snapshots, as its parts know them.

/** Why a session, or its open transaction, can't move for the time being. */
export type Pin =
  /** Temporary tables, functions or types exist. */
  | 'temporary-objects'
  /** Advisory locks are held by the session. */
  | 'advisory-locks'
  /** Cursors WITH HOLD are open. */
  | 'held-cursors'
  /** LOAD. */
  | 'libraries'
  /** currval() or lastval() was asked: what they answer is known to that session at the database only. */
  | 'sequence-values'
  /** setseed(). */
  | 'random-seed'
  /** set_config() was given a name that does not stand in the text: no catalog lists parameters of the client's own. */
  | 'unknown-parameters'
  /** What SQL's PREPARE has prepared can't be found in the text of its message. */
  | 'unclear-statements'
  /** The database has not said what the session has become; it is asked again behind the next transaction. */
  | 'unknown-state'
  /** Named connections to other servers, opened in SQL. */
  | 'connections'
  /** A replication origin or a temporary replication slot. */
  | 'replication'
  /** A base backup that was begun in SQL. */
  | 'backup'
  /** pg_export_snapshot(): for others, the transaction has to stay. */
  | 'exported-snapshot'
  /** The open transaction has done something that ROLLBACK does not undo. */
  | 'outside-effects'
  /** A COPY is under way, or was part of the open transaction: its data are not kept. */
  | 'copy'
  /** The open transaction is too long, or too large, to be run again. */
  | 'transaction-size'
  /** The open transaction began behind another one's COMMIT in the same request: that can't be run again. */
  | 'transaction-chain'
  /** More prepared statements and parameters than travel. */
  | 'session-size';

/** Those that last as long as the transaction and no longer. */
export const TRANSACTION_PINS: ReadonlySet<string> = new Set<Pin>([
  'exported-snapshot',
  'outside-effects',
  'copy',
  'transaction-size',
  'transaction-chain',
]);

/** How the open transaction stands that could not be gone on with. */
export type Verdict =
  | ''
  /** It is lost, and the client has still to be told: 40001. */
  | 'untold'
  /** The client has been told in the middle of a pipeline: what it says up to its Sync is passed over. */
  | 'passing-over'
  /** The client has been told, and has still to roll back. */
  | 'told';

/** The snapshot fields of a session; see `DatabaseSession`. */
export interface SessionFields {
  session: Buffer;
  pending: Buffer;
  unnamed: Buffer;
  journal: Buffer;
  status: string;
  backendIdentity: string;
  transactionId: string;
  preparedAs: string;
  verdict: string;
  /** Of the notifications that the client has been given: `notifications.ts`. */
  notifiedCount: number;
  pins: string[];
}
