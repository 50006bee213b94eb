// The limits of the front-end, each with a name and a unit. What reaches one is told so by PostgreSQL's own error codes.

export const LIMITS = {
  /** A startup packet: PostgreSQL's own MAX_STARTUP_PACKET_LENGTH. */
  startupLength: 10_000,
  /** SSLRequest and GSSENCRequest before the startup packet. */
  encryptionRequestCount: 2,
  /** From the first byte until the client is logged in; PostgreSQL's authentication_timeout. */
  loginTimeMs: 60_000,
  /** A message of a kind that is short by nature: PostgreSQL's PQ_SMALL_MESSAGE_LIMIT. */
  smallMessageLength: 10_000,
  /** Any message: PostgreSQL's PQ_LARGE_MESSAGE_LIMIT. */
  messageLength: 0x3fff_ffff,
  /** Beyond it a client's message is relayed in pieces, unread, under the lock; its transaction can't be replayed. */
  inspectedLength: 128 * 1024,
  /** Beyond it a message of the database is relayed in pieces, under the lock. */
  collectedAnswerLength: 64 * 1024,
  /** What a session at the database may have sent that nobody has read yet: then its socket is stopped. */
  backendUnreadLength: 128 * 1024,
  /** What is taken of the client's stream at a time: it is part of snapshots until it has been dealt with. */
  readLength: 64 * 1024,
  /** Extended-protocol messages that are kept together before they go to the database without a Sync. */
  requestLength: 64 * 1024,
  /** So much of an answer is relayed at a time. */
  relayLength: 48 * 1024,
  /** The statements of an open transaction, with a digest of each answer. Beyond it the transaction can't move. */
  journalLength: 384 * 1024,
  /** Login, parameters, prepared statements, channels. Beyond it the session can't move. */
  sessionLength: 192 * 1024,
  /** The Parse message of the unnamed statement. Beyond it the session can't move until it is replaced. */
  unnamedLength: 64 * 1024,
  /** Prepared statements of one session. Beyond it the session can't move. */
  preparedStatementCount: 10_000,
  /** Different statements that are executed before the client waits for an answer. Beyond it they may be anything. */
  distinctStatementCount: 1000,
  /** What named statements of one session take in memory, each 1 KiB and its text. Beyond it the session is ended, by 53400. */
  preparedLength: 32 * 1024 * 1024,
  /** The whole snapshot; the journal, the session and what has been read are parts of it. */
  snapshotLength: 1024 * 1024 - 4096,
  /** Input since the restart point: a statement that is longer can't move until it is answered. */
  inputLength: 1024 * 1024,
  /** Sessions at the database, of one member. Beyond it clients wait. */
  backendCount: 90,
  /** How long a client waits for a session at the database. */
  backendWaitMs: 10_000,
  /** How long one attempt to open a session at the database may take. */
  backendConnectMs: 10_000,
  /** How long a session at the database is kept that nobody uses. */
  backendIdleMs: 60_000,
  /** How long the old session of a transaction may take to end before it is terminated, and then to be gone. */
  oldSessionGraceMs: 250,
  oldSessionGoneMs: 10_000,
  /** How long a session that listens waits for what its origin has to hand over, once it knows where that ends. */
  handOverMs: 2_000,
  /** How long the origin listens on for a session that has left, for the one that takes its place to arrive. */
  collectMs: 10_000,
  /** Notifications that are kept for a session that has left; beyond it they are dropped. */
  handOverLength: 1024 * 1024,
  /** Of these, in one notification: in base64 less than the 8,000 bytes that a payload may have. */
  handOverPieceLength: 5_000,
  /** How long a transaction that was run again waits for the request that a move may have interrupted. */
  resumedGraceMs: 50,
  /** How long the fate of a transaction is asked for. */
  resolveMs: 30_000,
  resolvePollMs: 20,
  /** A prepared transaction of ours that nobody has committed after so long is rolled back; looked for so often. */
  orphanAgeMs: 300_000,
  orphanCheckMs: 30_000,
  /** Requests to cancel that one member announces to the others in each second: for one session, and for all of them. */
  sessionCancelCountPerSecond: 5,
  cancelCountPerSecond: 1000,
  /** Users of the users file. */
  userCount: 100_000,
} as const;
