// Setting up: from an established TCP connection to a settled migratory one, or to a plain one.
//
// The client sends its set-up record at once and its data right behind; the server answers with its own as soon as it has the
// client's. Neither waits for a round trip that TCP would not have made.

import { handle as handleTcp, read as readTcp } from '../tcp/connection.js';
import { deriveConnectionKey, sameMac, signTranscript, verifyTranscript, x25519PublicKey } from './keys.js';
import { advance, type SettingUp } from './machine.js';
import { closeWith } from './close.js';
import type { ClientTerms, MigratoryRecord, ServerTerms } from './record.js';
import {
  CLIENT_RECORD_LENGTH,
  decodeClientSetup,
  decodeServerSetup,
  encodeClientSetup,
  encodeServerSetup,
  recordProgress,
  transcriptOf,
} from './setup-record.js';
import { newSynchronisation } from './synchronisation.js';

/** TCP has finished its handshake. */
export function beginSetup(record: MigratoryRecord, now: number): void {
  const { terms, tcp } = record;
  const { offered, received } = tcp.migrateCapable;
  if (terms.kind === 'arrived' || terms.kind === 'plain' || offered === undefined || received === undefined) {
    if (terms.kind === 'client' && terms.migration === 'required') {
      closeWith(record, now, 'not-migratory');
      return;
    }
    advance(record, { kind: 'plain' });
    record.events.push({ kind: 'open' });
    flushEarly(record, now);
    return;
  }
  const deadline = now + record.limits.setUpTimeoutMs;
  advance(record, {
    kind: 'setting-up',
    privateKey: terms.privateKey,
    received: new Uint8Array(0),
    deadline,
  });
  if (terms.kind === 'client') {
    handleTcp(tcp, now, { kind: 'write', bytes: clientRecord(terms) });
    record.events.push({ kind: 'open' });
    flushEarly(record, now);
  }
}

function clientRecord(terms: ClientTerms): Uint8Array {
  return encodeClientSetup({ publicKey: x25519PublicKey(terms.privateKey) });
}

function flushEarly(record: MigratoryRecord, now: number): void {
  const { early } = record;
  record.early = undefined;
  for (const bytes of early?.writes ?? []) handleTcp(record.tcp, now, { kind: 'write', bytes });
  if (early?.ended === true) handleTcp(record.tcp, now, { kind: 'close' });
}

/** Input while setting up belongs to the set-up record until that is complete. */
export function continueSetup(record: MigratoryRecord, now: number, phase: SettingUp): void {
  for (;;) {
    const progress = recordProgress(phase.received);
    if (progress.kind === 'malformed') return closeWith(record, now, 'set-up-failed');
    if (progress.kind === 'complete') return completeSetup(record, now, phase, progress.length);
    const chunk = readTcp(record.tcp);
    if (chunk === undefined) return;
    phase.received = phase.received.length === 0 ? chunk : Buffer.concat([phase.received, chunk]);
  }
}

function completeSetup(record: MigratoryRecord, now: number, phase: SettingUp, length: number): void {
  const peerRecord = phase.received.subarray(0, length);
  if (phase.received.length > length) record.readAhead = phase.received.subarray(length);
  const { terms } = record;
  const complete =
    terms.kind === 'client'
      ? completeClient(record, terms, phase, peerRecord)
      : terms.kind === 'server' && completeServer(record, now, terms, phase, peerRecord);
  phase.privateKey.fill(0); // it has done its work, and is no part of the connection
  if (!complete) closeWith(record, now, 'set-up-failed');
}

function completeClient(
  record: MigratoryRecord,
  terms: ClientTerms,
  phase: SettingUp,
  peerRecord: Uint8Array,
): boolean {
  const decoded = decodeServerSetup(peerRecord);
  if (decoded === undefined) return false;
  const { setup, signed, signature } = decoded;
  if (terms.serviceKey !== undefined && !sameMac(terms.serviceKey, setup.serviceKey)) return false;
  const transcript = transcriptOf(clientRecord(terms), signed);
  if (!verifyTranscript(setup.serviceKey, transcript, signature)) return false;
  const key = deriveConnectionKey(phase.privateKey, setup.publicKey, setup.cid, transcript);
  if (key === undefined) return false;
  const { cid, member, members } = setup;
  advance(record, {
    kind: 'settled',
    identity: { cid, key, epoch: 0, member, members },
    trigger: undefined,
  });
  record.events.push({ kind: 'ready' });
  if (record.readAhead !== undefined) record.events.push({ kind: 'readable' });
  return true;
}

function completeServer(
  record: MigratoryRecord,
  now: number,
  terms: ServerTerms,
  phase: SettingUp,
  peerRecord: Uint8Array,
): boolean {
  const client = decodeClientSetup(peerRecord);
  if (client === undefined) return false;
  const { cid, member, members, identity } = terms;
  const unsigned = encodeServerSetup({
    publicKey: x25519PublicKey(phase.privateKey),
    cid,
    member,
    serviceKey: identity.publicKey,
    members,
  });
  const transcript = transcriptOf(peerRecord, unsigned);
  const key = deriveConnectionKey(phase.privateKey, client.publicKey, cid, transcript);
  if (key === undefined) return false;
  const bytes = Buffer.concat([unsigned, signTranscript(identity, transcript)]);
  handleTcp(record.tcp, now, { kind: 'write', bytes });
  record.sync = newSynchronisation(CLIENT_RECORD_LENGTH, bytes.length);
  advance(record, {
    kind: 'settled',
    identity: { cid, key, epoch: 0, member, members: [] },
    trigger: undefined,
  });
  record.events.push({ kind: 'open' }, { kind: 'ready' });
  if (record.readAhead !== undefined) record.events.push({ kind: 'readable' });
  return true;
}
