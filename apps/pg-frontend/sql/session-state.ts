// What a session of PostgreSQL keeps between statements, by kind, and the names in a text that may change it.
//
// Names of functions count wherever they stand, inside of strings and comments too: a DO block is a string, and so is
// what it hands to EXECUTE. What is found too often costs a question to the server, what is missed costs the state.

export type SessionStateKind =
  /** Settings: SET, RESET, set_config. */
  | 'parameters'
  | 'role'
  /** Statements prepared by PREPARE. */
  | 'prepared'
  /** What the session listens to. */
  | 'channels'
  /** Tables, views, sequences, functions and types that end with the session. */
  | 'temporary'
  /** Those that outlive a transaction. */
  | 'advisory-locks'
  | 'held-cursors'
  | 'libraries'
  /** Where the session was last in its sequences: currval, lastval. */
  | 'sequence-values'
  /** Exported ones: they end with the transaction of the session that did. */
  | 'snapshots'
  | 'random-seed'
  /** A notification that the transaction will send; it does so once. */
  | 'notify'
  /** Named connections to other servers, opened in SQL. */
  | 'connections'
  /** A replication origin, or a replication slot that ends with the session. */
  | 'replication'
  /** A base backup that has to be stopped by the session that began it. */
  | 'backup'
  /** Nothing of the session: what is done here is not undone by ROLLBACK, and a replay would do it again. */
  | 'outside-effects';

interface Sign {
  readonly pattern: string;
  readonly kinds: readonly SessionStateKind[];
}

/** Parts of names that nothing else is likely to contain. Patterns have no repetition, so each takes linear time. */
const FUNCTIONS: readonly Sign[] = [
  { pattern: 'set_config', kinds: ['parameters', 'role'] },
  { pattern: 'set_limit', kinds: ['parameters'] }, // of pg_trgm
  { pattern: 'pg_temp', kinds: ['temporary'] },
  { pattern: 'advisory_(?:un)?lock', kinds: ['advisory-locks'] },
  { pattern: 'currval|lastval', kinds: ['sequence-values'] },
  { pattern: 'export_snapshot', kinds: ['snapshots'] },
  { pattern: 'setseed', kinds: ['random-seed'] },
  { pattern: 'pg_notify', kinds: ['notify'] },
  { pattern: 'dblink_(?:connect|disconnect|open|close|fetch|send|get|cancel)', kinds: ['connections'] },
  { pattern: 'dblink', kinds: ['outside-effects'] },
  { pattern: 'replication_origin', kinds: ['replication', 'outside-effects'] },
  { pattern: 'replication_slot|logical_slot|physical_slot', kinds: ['replication', 'outside-effects'] },
  { pattern: 'backup_start|backup_stop|start_backup|stop_backup', kinds: ['backup', 'outside-effects'] },
  { pattern: 'setval|lo_export|logical_emit_message|pg_file_', kinds: ['outside-effects'] },
  { pattern: 'terminate_backend|cancel_backend|reload_conf|rotate_logfile|pg_promote', kinds: ['outside-effects'] },
  { pattern: 'switch_wal|create_restore_point|wal_replay_|pg_stat_reset', kinds: ['outside-effects'] },
];

/** Words of commands, for texts that are code inside of a string (DO) or can't be split. */
const COMMANDS: readonly Sign[] = [
  { pattern: String.raw`\b(?:re)?set\b`, kinds: ['parameters'] },
  { pattern: String.raw`\b(?:role|authorization|session_authorization)\b`, kinds: ['role'] },
  { pattern: String.raw`\b(?:prepare|deallocate)\b`, kinds: ['prepared'] },
  { pattern: String.raw`\b(?:un)?listen\b`, kinds: ['channels'] },
  { pattern: String.raw`\btemp(?:orary)?\b`, kinds: ['temporary'] },
  { pattern: String.raw`\bhold\b`, kinds: ['held-cursors'] },
  { pattern: String.raw`\bload\b`, kinds: ['libraries'] },
  { pattern: String.raw`\bseed\b`, kinds: ['random-seed'] },
  { pattern: String.raw`\bnotify\b`, kinds: ['notify'] },
  { pattern: String.raw`\bcopy\b`, kinds: ['outside-effects'] },
];

/** `what` is the word behind DISCARD, in lower case. */
export function discardedBy(what: string): readonly SessionStateKind[] {
  switch (what) {
    case 'all':
      return DISCARDED;
    case 'temp':
    case 'temporary':
      return ['temporary'];
    case 'sequences':
      return ['sequence-values'];
    default:
      return [];
  }
}

const DISCARDED: readonly SessionStateKind[] = [
  ...(['parameters', 'role', 'prepared', 'channels', 'temporary', 'advisory-locks', 'held-cursors'] as const),
  'sequence-values',
];

const compiled = (signs: readonly Sign[]): readonly { readonly pattern: RegExp; readonly kinds: Sign['kinds'] }[] =>
  signs.map(({ pattern, kinds }) => ({ pattern: new RegExp(pattern, 'i'), kinds }));

const functions = compiled(FUNCTIONS);
const commands = compiled(COMMANDS);

/** Matches where one of the functions' names stands, or a word that only the middle of a statement can have. */
export const NOTEWORTHY = new RegExp([...FUNCTIONS.map(({ pattern }) => pattern), 'temp', 'hold'].join('|'), 'i');

export function addFunctions(text: string, kinds: Set<SessionStateKind>): void {
  for (const sign of functions) if (sign.pattern.test(text)) for (const kind of sign.kinds) kinds.add(kind);
}

export function addCommands(text: string, kinds: Set<SessionStateKind>): void {
  for (const sign of commands) if (sign.pattern.test(text)) for (const kind of sign.kinds) kinds.add(kind);
}
