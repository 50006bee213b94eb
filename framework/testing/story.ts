// The story of a difference: what the service did, where the connection moved, what came out instead, and what to do.
//
// For somebody who knows the service and not the kit. Effects are numbered from 1, in the order in which they happened at
// all members together.

import { repeatedInOnce } from './comparison.js';
import { excerpt, formatEffect, type Difference, type RehearsedEffect } from './effect.js';
import type { Happened, Outcome } from './rehearsal.js';

export interface Divergent {
  readonly service: string;
  readonly run: number;
  readonly reference: Outcome;
  readonly outcome: Outcome;
  readonly difference: Difference;
}

/** Lines of effects that a story shows; of what lies between only the number. */
const SHOWN_BEFORE = 4;
const SHOWN_AFTER = 12;

export function tellDivergence(divergent: Divergent): string {
  const { service, run, outcome, difference } = divergent;
  const culprit = culpritOf(outcome, difference);
  return [
    `${service}: ${titleOf(divergent)}`,
    '',
    `What the service did in run ${run}:`,
    ...linesOf(outcome, culprit),
    '',
    describeDifference(difference),
    ...explanationOf(divergent, culprit),
    '',
    `Hint: ${hintFor(divergent, culprit)}`,
  ].join('\n');
}

function titleOf({ outcome, difference }: Divergent): string {
  const kind = kindOf(outcome);
  const instants = outcome.happened.map(({ happenedAt }) => `after effect ${happenedAt}`).join(' and ');
  const consequence = consequenceOf(difference);
  if (outcome.happened.length === 1) return `a ${kind} ${instants} ${consequence}.`;
  return `${kind === 'move' ? 'moves' : 'crashes'} ${instants} ${consequence.replace('s ', ' ')}.`;
}

function consequenceOf(difference: Difference): string {
  switch (difference.kind) {
    case 'bytes':
      return 'changes what the client gets';
    case 'outside':
      return 'changes what happens outside';
    case 'failed':
      return 'makes the service fail';
    case 'ending':
      return 'changes how the connection ends';
    case 'stuck':
      return 'leaves the session without an end';
  }
}

/** The difference alone, as text. */
export function describeDifference(difference: Difference): string {
  switch (difference.kind) {
    case 'bytes':
      return describeBytes(difference);
    case 'outside':
      return [
        ...difference.repeated.map((text) => `Done twice: ${text}`),
        ...difference.missing.map((text) => `Never done: ${text}`),
        ...difference.unexpected.map((text) => `Done only now: ${text}`),
        ...(difference.order === 'another' ? ['Done in another order.'] : []),
      ].join('\n');
    case 'failed':
      return `The service failed: ${difference.report}`;
    case 'ending':
      return `The connection was to end ${ended(difference.expected)}, and ended ${ended(difference.found)}.`;
    case 'stuck':
      return `The session does not end: ${difference.waits}.`;
  }
}

function ended(how: string): string {
  return how === 'reset' ? 'with a reset' : how;
}

function describeBytes({ offset, before, had, got, regenerated }: Extract<Difference, { kind: 'bytes' }>): string {
  const [first, second] =
    regenerated === 'regenerated'
      ? ['the client had already', 'and was sent now']
      : ['the client was to get', 'and got'];
  const context = before.length === 0 ? '' : `...${excerpt(before)} `;
  const width = first.length + 2;
  return [
    `At offset ${offset} of the stream`,
    `  ${first.padEnd(width)}${context}${orEnd(had)}`,
    `  ${second.padEnd(width)}${context}${orEnd(got)}`,
  ].join('\n');
}

function orEnd(bytes: Uint8Array): string {
  return bytes.length === 0 ? 'nothing more' : excerpt(bytes);
}

/** The number of the effect that made the difference, and of the one that it should have been; undefined: not one of them. */
interface Culprit {
  readonly effect: number | undefined;
  readonly earlier: number | undefined;
}

function culpritOf(outcome: Outcome, difference: Difference): Culprit {
  if (difference.kind === 'outside') {
    const text = difference.repeated[0] ?? difference.unexpected[0];
    const all = outcome.effects.flatMap(({ effect }, index) =>
      effect.kind === 'outside' && effect.text === text ? [index + 1] : [],
    );
    const isRepetition = difference.repeated.length > 0;
    return { effect: all.at(-1), earlier: isRepetition ? all[0] : undefined };
  }
  if (difference.kind !== 'bytes') return { effect: undefined, earlier: undefined };
  const writers = writersOf(outcome, difference.offset);
  return { effect: writers.at(-1), earlier: writers.length > 1 ? writers[0] : undefined };
}

/** The writes, by number, that wrote the byte at `offset` of the stream: one in each handler that came so far. */
function writersOf({ effects, happened }: Outcome, offset: number): number[] {
  let at = 0;
  let restartAt = 0;
  let generation = 0;
  return effects.flatMap(({ effect, generation: by }, index) => {
    if (by < generation) return []; // it cleans up, and writes nothing any more
    if (by > generation) at = restartAt;
    generation = by;
    if (isRestartPoint(effect)) restartAt = at;
    if (effect.kind !== 'write') return [];
    const from = at;
    at += effect.bytes.length;
    const hasLeft = index >= (happened[generation]?.happenedAt ?? Infinity);
    return !hasLeft && offset >= from && offset < at ? [index + 1] : [];
  });
}

function isRestartPoint(effect: RehearsedEffect['effect']): boolean {
  return (
    effect.kind === 'snapshot' || effect.kind === 'done' || (effect.kind === 'enter' && effect.resumed === 'entered')
  );
}

/** The number of the effect at which the handler that came after the disturbance went on. */
function restartPointBefore({ effects }: Outcome, { happenedAt }: Happened): number | undefined {
  for (let number = happenedAt; number >= 1; number--) {
    const found = effects[number - 1];
    if (found !== undefined && isRestartPoint(found.effect)) return number;
  }
  return undefined;
}

function linesOf(outcome: Outcome, culprit: Culprit): string[] {
  const { effects, happened } = outcome;
  const shown = new Set<number>();
  const showAround = (number: number, before: number, after: number): void => {
    for (let at = number - before; at <= number + after; at++) shown.add(at);
  };
  for (const disturbance of happened) {
    showAround(disturbance.happenedAt, SHOWN_BEFORE, SHOWN_AFTER);
    showAround(restartPointBefore(outcome, disturbance) ?? 1, 0, 0);
  }
  for (const number of [culprit.effect, culprit.earlier]) if (number !== undefined) showAround(number, 1, 1);
  if (happened.length === 0) showAround(effects.length, SHOWN_AFTER, 0);
  const lines: string[] = [];
  let hiddenCount = 0;
  const tellHidden = (): void => {
    if (hiddenCount > 0) lines.push(`       ... ${hiddenCount} more`);
    hiddenCount = 0;
  };
  for (const [index, { effect, generation }] of effects.entries()) {
    const number = index + 1;
    if (!shown.has(number)) {
      hiddenCount++;
    } else {
      tellHidden();
      const mark = number === culprit.effect ? '>' : ' ';
      const isLate = (happened[generation]?.happenedAt ?? Infinity) <= index;
      const by = isLate ? ' (by the member that the connection has left)' : '';
      lines.push(`${mark} ${String(number).padStart(4)}  ${formatEffect(effect)}${by}`);
    }
    for (const disturbance of happened) {
      if (disturbance.happenedAt !== number) continue;
      tellHidden();
      lines.push(`  ----  ${markOf(outcome, disturbance)}`);
    }
  }
  tellHidden();
  return lines;
}

function markOf(outcome: Outcome, disturbance: Happened): string {
  const { kind } = disturbance.disturbance;
  const restart = restartPointBefore(outcome, disturbance);
  const waited =
    disturbance.askedAt === disturbance.happenedAt
      ? ''
      : ` (asked for after effect ${disturbance.askedAt}, locked until here)`;
  return (
    `${kind === 'move' ? 'the connection moves' : 'the member dies'}${waited}; the client has ` +
    `${disturbance.clientLength} bytes; another member goes on from effect ${restart ?? 1}`
  );
}

function explanationOf({ difference, outcome, reference }: Divergent, culprit: Culprit): string[] {
  const { effect, earlier } = culprit;
  if (difference.kind === 'outside' && earlier !== undefined && effect !== undefined) {
    return [`First as effect ${earlier}, again as effect ${effect}.`];
  }
  if (difference.kind !== 'bytes' || effect === undefined) return [];
  if (earlier !== undefined) return [`Effect ${effect} wrote it, in the place of what effect ${earlier} had written.`];
  const [expected] = writersOf(reference, difference.offset);
  const instead =
    expected === undefined ? '' : ` Without a ${kindOf(outcome)} effect ${expected} writes what is expected there.`;
  return [`Effect ${effect} wrote it.${instead}`];
}

function kindOf({ happened }: Outcome): 'move' | 'crash' {
  return happened[0]?.disturbance.kind ?? 'move';
}

function hintFor({ outcome, difference }: Divergent, { effect, earlier }: Culprit): string {
  const last = outcome.happened.at(-1);
  const restart = last === undefined ? 1 : (restartPointBefore(outcome, last) ?? 1);
  const [madeAgain] = repeatedInOnce(outcome);
  if (madeAgain !== undefined) {
    return (
      `the member died between an effect of io.once and its record, and it was made again: ${madeAgain}. Let the world outside ` +
      `know it again by its token, and give the same answer: io.once(key, (token) => ...).`
    );
  }
  switch (difference.kind) {
    case 'bytes':
      return difference.regenerated === 'regenerated'
        ? `what effect ${earlier ?? effect ?? 1} wrote depends on more than the input and the @Snapshot fields since effect ` +
            `${restart}. Take that value once, keep it in a @Snapshot field, call io.snapshot(), and only then write; or let ` +
            `the stage hold its output until the next restart point: @Stage({ output: 'held' }).`
        : `the other member began with the fields as they were at effect ${restart}, and with nothing else. All that is needed ` +
            `to write the same from there on has to be in @Snapshot fields at that point; and a snapshot comes behind the ` +
            `write and the change of the fields that goes with it, never between them.`;
    case 'outside':
      return outsideHint(outcome, difference, restart);
    case 'failed':
      return `the stage has to be able to begin anew from effect ${restart}, at a member that has seen nothing of the connection.`;
    case 'ending':
      return `from effect ${restart} on, the stage came to another end.`;
    case 'stuck':
      return `the other member goes on from effect ${restart} and reads again what was read since; what was read before it is gone.`;
  }
}

function outsideHint(outcome: Outcome, difference: Extract<Difference, { kind: 'outside' }>, restart: number): string {
  const isCrash = kindOf(outcome) === 'crash';
  if (difference.repeated.length > 0) {
    return isCrash
      ? `the member died before a restart point said that it was done. Make it with io.once(key, (token) => ...), and let the ` +
          `world outside know it again by its token; or ask there, on going on, whether it was done.`
      : `all that is behind effect ${restart} is done again. Make it with io.once(key, ...), which records the result with the ` +
          `restart point and keeps the connection meanwhile; or record the next stage under a lock: @Stage({ lock: true }) and ` +
          `io.snapshot({ stage }) before the effect.`;
  }
  if (difference.missing.length > 0) {
    return isCrash
      ? `the restart point of effect ${restart} says that it was done, and the member died before it was. A lock holds off ` +
          `moves, not deaths: on going on, ask the world outside whether it was done, and do it if not.`
      : `the restart point of effect ${restart} says that it was done, before it was. Let the stage hold the connection until ` +
          `it is: @Stage({ lock: true }).`;
  }
  return (
    `the stage decides by something that is not in @Snapshot fields at effect ${restart}; or an effect was recorded that ` +
    `is undone again: record only what is there to stay.`
  );
}
