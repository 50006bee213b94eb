// Upgrades: from a snapshot of an older version to the one that this version would have taken.
//
// They are the service's own code, applied in ascending order: each makes the content of the next newer version that has an
// upgrade of its own, the last one that of this version. What comes out is judged by `SnapshotFormat` like any other arrival.
//   U1. Recorded results belong to the stage that asked for them. They go along when the upgraded snapshot goes on at the
//       stage of the same name; where the stage is renamed, a snapshot that has some is refused: to drop them would make
//       their effects again. The connection stays where it is, and can come once it has left that stage.

import type { SnapshotContent, UpgradeDeclaration } from '../definition.js';
import { SnapshotMismatch } from '../errors.js';
import type { StagePlan } from '../plan.js';
import { messageOfThrown } from '../thrown.js';
import type { SnapshotRecord } from './snapshot-record.js';

/** Throws `SnapshotMismatch`: 'other-version', 'upgrade-failed'. */
export function upgrade(
  plan: StagePlan,
  upgrades: readonly UpgradeDeclaration[],
  { version, format, stage, names, values, results }: SnapshotRecord,
): SnapshotContent {
  const path = upgrades.filter(({ from }) => from >= version && from < plan.version).sort((a, b) => a.from - b.from);
  const refuse = (reason: 'other-version' | 'upgrade-failed', detail: string): SnapshotMismatch =>
    new SnapshotMismatch(plan.service, reason, `${detail}, and this is version ${plan.version}`);
  if (path[0]?.from !== version) throw refuse('other-version', `no upgrade leads on from version ${version}`);
  if (format === 1) throw refuse('other-version', `in format 1 the fields of version ${version} have no names`);
  let content: SnapshotContent = {
    stage,
    fields: Object.fromEntries(names.map((name, index) => [name, values[index]])),
  };
  for (const step of path) {
    const made = apply(step, content);
    if (made.kind === 'failed') throw refuse('upgrade-failed', `the upgrade from version ${step.from} ${made.how}`);
    content = made.content;
  }
  if (results.size > 0 && content.stage !== stage) {
    const keys = [...results.keys()].map((key) => `'${key}'`).join(', ');
    const to = content.stage === undefined ? 'finishes' : `goes on at '${content.stage}'`;
    throw refuse('upgrade-failed', `stage '${String(stage)}' has recorded ${keys}, the upgraded snapshot ${to}`); // U1
  }
  return content;
}

type Step =
  { readonly kind: 'made'; readonly content: SnapshotContent } | { readonly kind: 'failed'; readonly how: string };

function apply({ upgrade: make }: UpgradeDeclaration, content: SnapshotContent): Step {
  try {
    const made: unknown = make(content);
    if (made instanceof Promise) {
      made.catch(() => undefined);
      return { kind: 'failed', how: 'is asynchronous' };
    }
    // A copy, so that whatever reading it may do is done here.
    if (isContent(made)) return { kind: 'made', content: { stage: made.stage, fields: { ...made.fields } } };
    return { kind: 'failed', how: 'answered no { stage, fields }' };
  } catch (error) {
    return { kind: 'failed', how: `failed: ${messageOfThrown(error)}` };
  }
}

function isContent(value: unknown): value is SnapshotContent {
  if (typeof value !== 'object' || value === null || !('stage' in value) || !('fields' in value)) return false;
  const { stage, fields } = value;
  return (stage === undefined || typeof stage === 'string') && typeof fields === 'object' && fields !== null;
}
