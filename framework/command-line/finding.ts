// What `migratory doctor` finds: one line each, and what to do about it where something is to be done.

import type { Screen } from './screen.js';

export type Finding =
  /** As it should be. */
  | { readonly kind: 'ok'; readonly check: string; readonly detail: string }
  /** Good to know: something that not everybody needs, or that may be meant so. */
  | { readonly kind: 'note'; readonly check: string; readonly detail: string; readonly remedy: string }
  /** A member can't run, or can't move connections, as it is. */
  | { readonly kind: 'problem'; readonly check: string; readonly detail: string; readonly remedy: string };

const MARKS = { ok: ['good', 'ok     '], note: ['warn', 'note   '], problem: ['bad', 'problem'] } as const;

export function showFindings(screen: Screen, findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ check }) => check.length));
  for (const finding of findings) {
    const [colour, mark] = MARKS[finding.kind];
    const line = `${screen.paint(colour, mark)}  ${finding.check.padEnd(width)}  ${finding.detail}`;
    screen.line(finding.kind === 'ok' ? line : `${line}: ${finding.remedy}`);
  }
}
