// The comparison of two runs: what the client got, and what happened in the world outside.
//
// What a handler reads, writes again or records on the way may differ, and does after every move; only what somebody else
// can notice is compared. Causes come before consequences: an effect that was made twice before a byte that tells of it.
//   C1. Output that differs from what the client had is a difference even where the whole would be accepted as varying.
//   C2. After a crash, an effect inside of `io.once` may have been made again, with the same token: at least once.

import type { Difference } from './effect.js';
import type { Outcome } from './rehearsal.js';

/** The first difference that matters; undefined where there is none. */
export function differenceBetween(
  reference: Outcome,
  outcome: Outcome,
  varying: RegExp | undefined,
): Difference | undefined {
  const mask = (text: string): string => (varying === undefined ? text : text.replaceAll(varying, '<varying>'));
  return (
    outsideDifference(reference, outcome, mask) ??
    regeneratedDifference(outcome) ?? // C1
    failureDifference(reference, outcome, mask) ??
    (outcome.ending.kind === 'stuck' ? { kind: 'stuck', waits: outcome.ending.waits } : undefined) ??
    byteDifference(reference, outcome, mask) ??
    endingDifference(reference, outcome)
  );
}

/** Effects of `io.once` that were made more than once in a run, with the same token (C2). */
export function repeatedInOnce({ effects }: Outcome): string[] {
  const seen = new Set<string>();
  return effects.flatMap(({ effect }) => {
    if (effect.kind !== 'outside' || effect.token === undefined) return [];
    const identity = JSON.stringify([effect.token, effect.text]);
    if (seen.has(identity)) return [effect.text];
    seen.add(identity);
    return [];
  });
}

type Mask = (text: string) => string;

function outsideTexts({ effects, happened }: Outcome, mask: Mask): string[] {
  const mayRepeat = happened.some(({ disturbance }) => disturbance.kind === 'crash');
  const seen = new Set<string>();
  return effects.flatMap(({ effect }) => {
    if (effect.kind !== 'outside') return [];
    const identity = JSON.stringify([effect.token, effect.text]);
    const isRepetition = mayRepeat && effect.token !== undefined && seen.has(identity); // C2
    seen.add(identity);
    return isRepetition ? [] : [mask(effect.text)];
  });
}

function outsideDifference(reference: Outcome, outcome: Outcome, mask: Mask): Difference | undefined {
  const [expected, found] = [outsideTexts(reference, mask), outsideTexts(outcome, mask)];
  const tooMany = without(found, expected);
  const repeated = tooMany.filter((text) => expected.includes(text));
  const unexpected = tooMany.filter((text) => !expected.includes(text));
  const isWhole = outcome.ending.kind === 'ended' && outcome.ending.how === 'in order';
  const missing = isWhole ? without(expected, found) : [];
  if (tooMany.length + missing.length > 0) return { kind: 'outside', repeated, missing, unexpected, order: 'the-same' };
  if (!isWhole || found.every((text, index) => text === expected[index])) return undefined;
  return { kind: 'outside', repeated, missing, unexpected, order: 'another' };
}

/** What is left of `texts` when each of `others` has taken one away. */
function without(texts: readonly string[], others: readonly string[]): string[] {
  const rest = [...texts];
  for (const text of others) {
    const at = rest.indexOf(text);
    if (at >= 0) rest.splice(at, 1);
  }
  return rest;
}

const CONTEXT_LENGTH = 16;

function regeneratedDifference({ ending, output }: Outcome): Difference | undefined {
  if (ending.kind !== 'regenerated') return undefined;
  const { offset } = ending.difference;
  return { kind: 'bytes', ...ending.difference, before: contextOf(output, offset), regenerated: 'regenerated' };
}

function contextOf(output: Uint8Array, offset: number): Uint8Array {
  return output.subarray(Math.max(0, offset - CONTEXT_LENGTH), offset);
}

function failureDifference(reference: Outcome, outcome: Outcome, mask: Mask): Difference | undefined {
  const known = reference.failures.map(({ report }) => mask(report));
  const failure = outcome.failures.find(({ report }) => !known.includes(mask(report)));
  return failure === undefined ? undefined : { kind: 'failed', ...failure };
}

function byteDifference(reference: Outcome, outcome: Outcome, mask: Mask): Difference | undefined {
  const bytesOf = ({ output }: Outcome): Buffer => Buffer.from(mask(Buffer.from(output).toString('latin1')), 'latin1');
  const [had, got] = [bytesOf(reference), bytesOf(outcome)];
  if (had.equals(got)) return undefined;
  let offset = 0;
  while (offset < had.length && had[offset] === got[offset]) offset++;
  return {
    kind: 'bytes',
    offset,
    before: contextOf(got, offset),
    had: had.subarray(offset),
    got: got.subarray(offset),
    regenerated: 'new',
  };
}

function endingDifference(reference: Outcome, outcome: Outcome): Difference | undefined {
  const [expected, found] = [howOf(reference), howOf(outcome)];
  return expected === found ? undefined : { kind: 'ending', expected, found };
}

function howOf({ ending }: Outcome): string {
  return ending.kind === 'ended' ? ending.how : ending.kind;
}
