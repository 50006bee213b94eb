// What can be said of each object of a service by itself: its stages, their settings, its hooks, its names.
//
// Each check looks at one aspect and adds to the list; none stops another.

import type { MemberDeclaration, ServiceDefinition, StageDeclaration, StageSettings } from './definition.js';
import type { ReportProblem, ServicePart } from './parts.js';

const SERVICE_NAME = /^[a-z][a-z0-9-]{0,62}$/;

export function checkIdentity({ identity }: ServiceDefinition, report: ReportProblem): void {
  if (identity.kind === 'missing') return report('not-a-service', 'the class has no @Service');
  const { name, version } = identity;
  if (typeof name !== 'string' || !SERVICE_NAME.test(name)) {
    report('invalid-name', `${textOf(name)} is not a name for a service`);
  }
  if (!isVersion(version)) report('invalid-version', `${textOf(version)} is not a version`);
}

export function checkStages({ stages, entries }: ServiceDefinition, report: ReportProblem): void {
  checkPlacement('@Stage', stages, report);
  for (const name of repeated(stages)) report('duplicate-stage', `'${name}' is declared as a stage more than once`);
  if (stages.length === 0) report('no-stages', 'there is no stage');
  else if (entries.length === 0) report('no-entry', `none of the stages ${listOf(stages)} is the entry`);
  if (entries.length > 1) {
    report('several-entries', `${entries.map((name) => `'${name}'`).join(' and ')} are both the entry`);
  }
  for (const entry of entries) {
    if (stages.length > 0 && !stages.some((stage) => stage.name === entry)) {
      report('unknown-entry', `the entry '${entry}' is none of the stages ${listOf(stages)}`);
    }
  }
  for (const stage of stages) checkSettings(stage, report);
}

/** Plain JavaScript may say anything. */
type Said<Settings> = { readonly [Name in keyof Settings]?: unknown };

function checkSettings({ name, settings }: StageDeclaration, report: ReportProblem): void {
  const { lock, output, timeoutMs } = settings as Said<StageSettings>;
  const complain = (setting: string, value: unknown): void =>
    report('invalid-stage-settings', `the stage '${name}' has ${setting}: ${textOf(value)}`);
  if (lock !== undefined && typeof lock !== 'boolean' && lock !== 'pinned') complain('lock', lock);
  if (output !== undefined && !['live', 'held', 'verified'].includes(output as string)) complain('output', output);
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && Number.isFinite(timeoutMs))) {
    complain('timeoutMs', timeoutMs);
  }
}

/** Of the service: @Moved and @Failed. A delegate has neither. */
export function checkHooks({ kind, definition }: ServicePart, report: ReportProblem): void {
  const { moved, failed, stages, construction } = definition;
  checkPlacement('@Moved', moved, report);
  checkPlacement('@Failed', failed, report);
  if (kind === 'delegate') {
    if (moved.length > 0) report('delegate-hook', `it has a @Moved method of its own: ${listOf(moved)}`);
    if (failed.length > 0) report('delegate-hook', `it has a @Failed method of its own: ${listOf(failed)}`);
    return;
  }
  if (construction.kind === 'functions') return; // its stages have names of their own
  if (moved.length > 1) report('several-moved', `${listOf(moved)} are all marked @Moved`);
  if (failed.length > 1) report('several-failed', `${listOf(failed)} are all marked @Failed`);
  for (const name of inBoth(moved, stages))
    report('conflicting-decorators', `'${name}' is a stage and the @Moved method`);
  for (const name of inBoth(failed, stages))
    report('conflicting-failed', `'${name}' is a stage and the @Failed method`);
  for (const name of inBoth(failed, moved)) report('conflicting-failed', `'${name}' is @Moved and @Failed at once`);
}

export function checkUpgrades({ identity, upgrades }: ServiceDefinition, report: ReportProblem): void {
  const newest = identity.kind === 'declared' && isVersion(identity.version) ? identity.version : Infinity;
  for (const { name, from, placement } of upgrades) {
    if (placement !== 'as-intended') report('invalid-upgrade', `@Upgrade is on '${name}', which is not static`);
    if (!isVersion(from)) report('invalid-upgrade', `'${name}' upgrades from ${textOf(from)}, which is not a version`);
    else if (from >= newest) {
      report('invalid-upgrade', `'${name}' upgrades from version ${from}, which is not older than version ${newest}`);
    }
  }
  for (const from of new Set(upgrades.map((upgrade) => upgrade.from))) {
    const same = upgrades.filter((upgrade) => upgrade.from === from);
    if (same.length > 1) report('invalid-upgrade', `${listOf(same)} all upgrade from version ${textOf(from)}`);
  }
}

/** One name, one meaning; and a dot leads into a delegate. */
export function checkNames(
  { stages, delegates, construction }: ServiceDefinition,
  fields: readonly MemberDeclaration[],
  report: ReportProblem,
): void {
  checkPlacement('@Delegate', delegates, report);
  for (const name of repeated(delegates))
    report('conflicting-names', `'${name}' is declared as a delegate more than once`);
  for (const name of inBoth(fields, delegates))
    report('conflicting-names', `'${name}' is a snapshot field and a delegate`);
  for (const name of inBoth(stages, delegates)) report('conflicting-names', `'${name}' is a stage and a delegate`);
  if (construction.kind === 'class') {
    for (const name of inBoth(fields, stages)) report('conflicting-names', `'${name}' is a snapshot field and a stage`);
  }
  for (const { name, placement } of [...stages, ...delegates]) {
    if (placement === 'as-intended' && name.includes('.')) report('dotted-name', `'${name}' has a dot in its name`);
  }
  for (const { name } of fields) {
    const inner = delegates.find((delegate) => name.startsWith(`${delegate.name}.`));
    if (inner !== undefined) report('dotted-name', `'${name}' looks like a field of the delegate '${inner.name}'`);
  }
}

export function checkPlacement(decorator: string, members: readonly MemberDeclaration[], report: ReportProblem): void {
  for (const { name, placement } of members) {
    if (placement !== 'as-intended') {
      report('misplaced-decorator', `${decorator} is on '${name}', which is ${placement}`);
    }
  }
}

export function repeated(members: readonly MemberDeclaration[]): Set<string> {
  const names = members.map((member) => member.name);
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

function inBoth(some: readonly MemberDeclaration[], others: readonly MemberDeclaration[]): Set<string> {
  const names = new Set(others.map(({ name }) => name));
  return new Set(some.map(({ name }) => name).filter((name) => names.has(name)));
}

function listOf(members: readonly MemberDeclaration[]): string {
  return members.map((member) => `'${member.name}'`).join(', ');
}

function isVersion(version: unknown): version is number {
  return typeof version === 'number' && Number.isSafeInteger(version) && version >= 1;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
