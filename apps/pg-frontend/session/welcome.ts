// The end of a login: what a client is told before its first query.

import { AUTHENTICATION_OK, backendKeyData, parameterStatus, readyForQuery } from '../wire/backend-messages.js';
import { parseStartupPacket } from '../wire/startup-packet.js';
import type { CancelDesk } from './cancel-desk.js';
import { newSession, type SessionRecord } from './session-record.js';

/** A new session, for the startup packet that has been accepted. */
export function admit(packet: Buffer, desk: CancelDesk): SessionRecord {
  const read = parseStartupPacket(packet);
  if (read.kind !== 'startup') throw new TypeError('only a startup packet is accepted');
  const { user, database, parameters, minorVersion } = read;
  return newSession({ user, database, parameters }, desk.newKey(minorVersion >= 2 ? 'long' : 'short'));
}

/** `reported`: what the database has told of its parameters. */
export function welcome(record: SessionRecord, reported: ReadonlyMap<string, string>): Buffer {
  record.reported = Object.fromEntries(reported);
  const { processId, key } = record.cancelKey;
  return Buffer.concat([
    AUTHENTICATION_OK,
    ...[...reported].map(([name, value]) => parameterStatus(name, value)),
    backendKeyData(processId, key),
    readyForQuery('I'),
  ]);
}

/** What has to be said of the parameters of another session at the database, so that the client knows them as they are. */
export function parameterChanges(record: SessionRecord, reported: ReadonlyMap<string, string>): Buffer {
  const changed = [...reported].filter(([name, value]) => record.reported[name] !== value);
  record.reported = { ...record.reported, ...Object.fromEntries(changed) };
  return Buffer.concat(changed.map(([name, value]) => parameterStatus(name, value)));
}
