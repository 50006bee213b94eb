// Bugs on purpose: each is one line of the protocol gone wrong, and the simulation has to find every one of them.
//
// A bug that the simulation lets live says that nothing there attacks that line: then the scenarios or the oracle are made
// stronger, never this list shorter. `find` stands exactly once in its file.

import type { InvariantName } from '../../support/followed.js';

export interface Mutant {
  readonly name: string;
  /** Below `stack/`, or `framework/` for those of framework.ts. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The invariants that it may break first. */
  readonly breaks: readonly InvariantName[];
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'suppression off by one',
    file: 'migration/synchronisation.ts',
    find: 'return bytes.subarray(Math.min(bytes.length, sync.suppressBelow - start));',
    replace: 'return bytes.subarray(Math.min(bytes.length, sync.suppressBelow - start + 1));',
    breaks: ['S1', 'S5'],
  },
  {
    name: 'input log trimmed too early',
    file: 'migration/synchronisation.ts',
    find: 'trimLog(sync.log, sync.log.length - unreadLength);',
    replace: 'trimLog(sync.log, sync.log.length);',
    breaks: ['S1'],
  },
  {
    name: 'input log trimmed too late',
    file: 'migration/synchronisation.ts',
    find: 'trimLog(sync.log, sync.log.length - unreadLength);',
    replace: 'trimLog(sync.log, Math.max(0, sync.log.length - unreadLength - 1));',
    breaks: ['S1'],
  },
  {
    name: 'snapshot takes unread input for read',
    file: 'migration/synchronisation.ts',
    find: 'const inputOffset = sync.consumedOffset - unreadLength;',
    replace: 'const inputOffset = sync.consumedOffset;',
    breaks: ['S1', 'S3'],
  },
  {
    name: 'held output leaves early',
    file: 'migration/synchronisation.ts',
    find: "if (sync.mode !== 'held') return Infinity;",
    replace: 'return Infinity;',
    breaks: ['S1'],
  },
  {
    name: 'verified digest not compared',
    file: 'migration/synchronisation.ts',
    find: "replay.hash.digest().equals(digest) ? { kind: 'none' } : { kind: 'diverged' };",
    replace: "replay.hash.digest().equals(digest) ? { kind: 'none' } : { kind: 'none' };",
    breaks: ['S1'],
  },
  {
    name: 'output leaves while a replay is verified',
    file: 'migration/synchronisation.ts',
    find: "if (sync.replay.kind !== 'none') return sync.suppressBelow;",
    replace: "if (sync.replay.kind === 'diverged') return sync.suppressBelow;",
    breaks: ['S1'],
  },
  {
    name: 'input log without a limit',
    file: 'migration/synchronisation.ts',
    find: 'sync.log.length + chunk.length > limits.inputLogLength ||',
    replace: 'false ||',
    breaks: ['S6'],
  },
  {
    name: 'epoch not checked',
    file: 'migration/server-role.ts',
    find: "return claim.epoch <= identity.epoch ? 'stale-epoch' : undefined;",
    replace: 'return undefined;',
    breaks: ['S4', 'S2', 'S1', 'S5'],
  },
  {
    name: 'image given without proof',
    file: 'migration/server-role.ts',
    find: "claim.mac)) return 'bad-proof';",
    replace: 'claim.mac)) return undefined;',
    breaks: ['S4', 'S2', 'S1'],
  },
  {
    name: 'sequence off by one in the answer to a request',
    file: 'migration/server-role.ts',
    find: 'sequence: addSequence(option.receiveNext, -1),',
    replace: 'sequence: addSequence(option.receiveNext, 0),',
    breaks: ['S5'],
  },
  {
    name: 'acknowledgment off by one in the answer to a request',
    file: 'migration/server-role.ts',
    find: 'acknowledgment: sequenceOfReceiveOffset(tcp, tcp.receive.nextOffset),\n    flags: FLAG.syn | FLAG.ack,',
    replace:
      'acknowledgment: sequenceOfReceiveOffset(tcp, tcp.receive.nextOffset + 1),\n    flags: FLAG.syn | FLAG.ack,',
    breaks: ['S1', 'S5'],
  },
  {
    name: 'confirmation not required before sending',
    file: 'migration/server-role.ts',
    find: 'if (confirm.epoch !== epoch || !sameMac(confirmMac(key, cid, epoch, member, candidate.serverNonce), confirm.mac)) {',
    replace: 'if (confirm.epoch > epoch) {',
    breaks: ['S4'],
  },
  {
    name: 'confirmation for one address counts for another',
    file: 'migration/server-role.ts',
    find: 'candidate = answerTo(record.tcp, now, request, phase.identity);',
    replace: 'candidate = { ...(phase.candidates[0] as Candidate), address: request.from };',
    breaks: ['S4'],
  },
  {
    name: 'client has our FIN, forgotten in the image',
    file: 'migration/server-role.ts',
    find: 'sync.peerHasEnd = originEnd !== undefined && image.acknowledgedOffset > originEnd;',
    replace: 'sync.peerHasEnd = false;',
    breaks: ['S1', 'S5'],
  },
  {
    name: 'end of input lost in the image',
    file: 'tcp/freeze.ts',
    find: 'finished: receive.finOffset !== undefined,',
    replace: 'finished: false,',
    breaks: ['S1', 'S5'],
  },
  {
    name: 'window edge lost in the image',
    file: 'tcp/freeze.ts',
    find: 'receive.edgeOffset = frozen.receive.edgeOffset; // F1',
    replace: 'receive.edgeOffset = frozen.receive.nextOffset;',
    breaks: ['S1'],
  },
  {
    name: 'timestamps begin anew at the new member',
    file: 'tcp/freeze.ts',
    find: 'timestamps.offset = (frozen.timestamps.lastSent + 1 - Math.floor(now)) >>> 0; // F2',
    replace: 'timestamps.offset = 0;',
    breaks: ['S5'],
  },
  {
    name: 'old segments pass PAWS after a move',
    file: 'tcp/moving.ts',
    find: 'record.timestamps.recent = options.peerTimestamp;',
    replace: '',
    breaks: ['S2'],
  },
  {
    name: 'pieces out of order survive a move',
    file: 'tcp/moving.ts',
    find: 'receive.outOfOrder.length = 0;',
    replace: '',
    breaks: ['S2'],
  },
  {
    name: 'a FIN behind a gap survives a move',
    file: 'tcp/moving.ts',
    find: 'receive.pendingFinOffset = undefined;',
    replace: '',
    breaks: ['S2'],
  },
  {
    name: 'lock not respected',
    file: 'host/handoff.ts',
    find: "if (lock === 'locked') return this.#wait(now, from, message, undefined);",
    replace: '',
    breaks: ['S7'],
  },
  {
    name: 'unlock forgotten',
    file: 'migration/connection.ts',
    find: "if (record.sync !== undefined) record.sync.lock = 'open';",
    replace: '',
    breaks: ['S7', 'S5'],
  },
  {
    name: 'who waits for the lock not served',
    file: 'host/host.ts',
    find: 'if (connection.cid !== undefined) this.#handoff.unlocked(now, connection.cid);',
    replace: 'void now;',
    breaks: ['S7'],
  },
  {
    name: 'application not told before the image leaves',
    file: 'host/handoff.ts',
    find: 'this.#host.drain(now, connection); // the application is told before the image leaves',
    replace: '',
    breaks: ['S2'],
  },
  {
    name: 'retained image dropped when its installation fails',
    file: 'host/handoff.ts',
    find: "if (installed === 'installed') this.#isHereAgain(now, option.cid);\n      else this.#refuse",
    replace: "this.#isHereAgain(now, option.cid);\n      if (installed !== 'installed') this.#refuse",
    breaks: ['S5', 'S2'],
  },
  {
    name: 'retained image resumed on a guess',
    file: 'host/handoff.ts',
    find: 'return known && incarnation !== retained.incarnation;',
    replace: 'return known || retained.image.length > 0;',
    breaks: ['S2', 'S4'],
  },
  {
    name: 'incarnation not compared',
    file: 'host/handoff.ts',
    find: 'return known && incarnation !== retained.incarnation;',
    replace: 'return known;',
    breaks: ['S2', 'S4'],
  },
  {
    name: 'what a client has accepted is resumed from before (H4)',
    file: 'host/handoff.ts',
    find: 'if (acceptedEpoch < epoch) return false;',
    replace: 'return false;',
    breaks: ['S2'],
  },
  {
    name: 'request of before a death brings the image again (H4)',
    file: 'host/handoff.ts',
    find: 'const epoch = this.#hasRestarted(departed) ? departed.epoch : departed.epoch - 1;',
    replace: 'const epoch = departed.epoch - 1;',
    breaks: ['S2', 'S4'],
  },
  {
    name: 'forwarding pointer names the wrong member',
    file: 'host/handoff.ts',
    find: 'return this.#answerRefusal(from, message, known, departed.key, departed.to);',
    replace: 'return this.#answerRefusal(from, message, known, departed.key, from);',
    breaks: ['S5'],
  },
  {
    name: 'image taken although it was disclaimed (H2)',
    file: 'host/handoff.ts',
    find: "if (arriving !== undefined) this.#giveUp(arriving, 'busy'); // H2",
    replace: 'void arriving;',
    breaks: ['S2', 'S4'],
  },
  {
    name: 'who passed a connection on says that it never had it',
    file: 'host/handoff.ts',
    find: 'const held = host.connectionOf(cid) !== undefined || (this.former.get(cid, now)?.epoch ?? -1) >= epoch;',
    replace: 'const held = host.connectionOf(cid) !== undefined;',
    breaks: ['S2', 'S4'],
  },
  {
    name: 'end of a connection forgotten',
    file: 'host/host.ts',
    find: 'this.#handoff.former.finish(now, cid, connection.epoch);',
    replace: 'this.#handoff.former.delete(cid);',
    breaks: ['S2', 'S4'],
  },
  {
    name: 'user timeout begins again with every probe',
    file: 'tcp/send.ts',
    find: 'if (loss.timeoutCount === 0) send.lastProgressAt = now;\n  if (send.windowLength',
    replace: 'send.lastProgressAt = now;\n  if (send.windowLength',
    breaks: ['S6'],
  },
  {
    name: 'arriving requests without a limit',
    file: 'host/handoff.ts',
    find: "if (this.#arriving.size >= host.limits.arrivingCount) return this.#refuse(request, 'busy');",
    replace: '',
    breaks: ['S6'],
  },
  {
    name: 'retained images without a limit',
    file: 'transfer/ownership.ts',
    find: 'while (this.#retainedLength > this.#limits.retainedImagesLength) {',
    replace: 'while (this.#retainedLength > Infinity) {',
    breaks: ['S6'],
  },
];
