// S6 bounds: image, logs, queues, retries and waits have named limits, and are within them at all times.
//
// Looked at whenever a host has finished an input, and once more when everything is over: then all tables are empty.

import type { Host } from '@migratory/stack/internal/host/host.js';
import type { MigratoryRecord } from '@migratory/stack/internal/migration/record.js';
import { check } from '../followed.js';

/** A request is answered at so many addresses, each of them a path; the one from before stays. */
const PATHS_PER_CONNECTION = 5;

export function checkHost(name: string, host: Host): void {
  const { limits } = host;
  const sizes = host.tableSizes();
  within(sizes.connections, limits.connectionCount, 'connections', name);
  within(sizes.paths, limits.connectionCount * PATHS_PER_CONNECTION, 'paths', name);
  within(sizes.halfOpen, limits.halfOpenCount, 'half-open connections', name);
  within(sizes.returned, limits.halfOpenCount, 'connections that returned a cookie', name);
  within(sizes.arriving, limits.arrivingCount, 'arriving connections', name);
  within(sizes.waiting, limits.arrivingCount, 'waiting questions', name);
  within(sizes.handoffDeadlines, 2 * limits.arrivingCount, 'deadlines of handoffs', name);
  within(sizes.deadlines, limits.connectionCount, 'deadlines', name);
  const memory = host.memorySizes();
  within(memory.formerPaths, limits.formerPathCount, 'former paths', name);
  within(memory.formerConnections, limits.forwardingPointerCount, 'former connections', name);
  within(memory.retainedLength, limits.retainedImagesLength, 'retained images', name);
}

export function checkRecord(name: string, record: MigratoryRecord, now: number): void {
  const { limits, sync, tcp, phase } = record;
  const { receive, config } = tcp;
  if (sync?.log.kind === 'complete') {
    within(sync.log.length, limits.inputLogLength, 'input log', name);
    within(sync.log.chunks.length, limits.inputLogCount, 'input log, in chunks,', name);
  }
  within(sync?.snapshot?.state.length, limits.stateLength, 'snapshot', name);
  within(receive.outOfOrder.length, config.maxOutOfOrderCount, 'pieces out of order', name);
  // A connection that has arrived reads its log again.
  const unreadLimit = config.receiveBufferLength + 1 + (sync === undefined ? 0 : limits.inputLogLength);
  within(receive.nextOffset - receive.readOffset, unreadLimit, 'unread input', name);
  if (phase.kind === 'requesting') within(now - phase.startedAt, limits.moveGiveUpMs + 1, 'wait for a member', name);
  if (phase.kind === 'confirming') {
    within(phase.candidates.length, PATHS_PER_CONNECTION - 1, 'paths of one connection', name);
    within(now, phase.deadline + 1, 'wait for a proof', name);
  }
}

function within(size: number | undefined, limit: number, what: string, name: string): void {
  if (size !== undefined && size > limit)
    check(false, 'S6', `${size} in the ${what} of ${name}, the limit is ${limit}`);
}

/** Nothing is left of connections that are over. */
export function checkEmpty(name: string, host: Host): void {
  for (const [table, size] of Object.entries(host.tableSizes())) {
    check(size === 0, 'S6', `${size} left in ${table} of ${name}`);
  }
}
