// Whether a segment of ours is the one that a script expects.
//
// Flags, numbers, acknowledgment, and window and urgent pointer where the script gives them, have to be the same. Of the
// options every one has to be there with its value and no other; their order and the padding between them are the sender's to
// choose (RFC 9293 MUST-64), so they are not compared. A timestamp of ours may be off by the tolerance.

import { optionNotation } from './notation.js';
import type { OptionText, SegmentText } from './script.js';

/** What differs, in words; nothing where the segment is as expected. */
export function differences(expected: SegmentText, actual: SegmentText, toleranceMs: number): string[] {
  const found: string[] = [];
  const compare = (what: string, wanted: number | string | undefined, got: number | string | undefined): void => {
    if (wanted !== got) found.push(`${what} ${got ?? 'none'}, not ${wanted ?? 'none'}`);
  };
  if (expected.marking === 'ect01' ? actual.marking === 'noecn' : expected.marking !== undefined) {
    compare('marking', expected.marking, actual.marking);
  }
  compare('flags', expected.flags || '-', actual.flags || '-');
  compare('sequence', expected.sequence, actual.sequence);
  compare('length', expected.length, actual.length);
  if (expected.acknowledgment !== undefined || expected.flags.includes('.')) {
    compare('acknowledgment', expected.acknowledgment ?? 0, actual.acknowledgment);
  }
  if (expected.window !== undefined) compare('window', expected.window, actual.window);
  if (expected.urgent !== undefined) compare('urgent pointer', expected.urgent, actual.urgent);
  if (expected.options !== 'any' && actual.options !== 'any') {
    found.push(...optionDifferences(expected.options, actual.options, toleranceMs));
  }
  return found;
}

function optionDifferences(
  expected: readonly OptionText[],
  actual: readonly OptionText[],
  toleranceMs: number,
): string[] {
  const missing = withoutPadding(expected);
  const extra = withoutPadding(actual);
  for (const option of [...missing]) {
    const match = extra.findIndex((candidate) => isSameOption(option, candidate, toleranceMs));
    if (match < 0) continue;
    extra.splice(match, 1);
    missing.splice(missing.indexOf(option), 1);
  }
  return [
    ...missing.map((option) => `without ${optionNotation(option)}`),
    ...extra.map((option) => `with ${optionNotation(option)}`),
  ];
}

function withoutPadding(options: readonly OptionText[]): OptionText[] {
  return options.filter(({ kind }) => kind !== 'nop' && kind !== 'eol');
}

function isSameOption(expected: OptionText, actual: OptionText, toleranceMs: number): boolean {
  if (expected.kind !== 'TS' || actual.kind !== 'TS') return optionNotation(expected) === optionNotation(actual);
  // A millisecond more: the clock of timestamps counts whole ones.
  return expected.echo === actual.echo && Math.abs((actual.value - expected.value) | 0) <= toleranceMs + 1;
}
