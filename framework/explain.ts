// A plan as the calls that it stands for, written as the slides of Migratory TCP write a server.
//
// One label for each stage. Everything that the framework does around a stage's code is there, in its order; the code itself
// is one line. What the plan doesn't know (a stage that decides its way in code that can't be read) is said to be unknown.

import { ownerOf } from './routes.js';
import type { PlannedField, PlannedStage, StagePlan } from './plan.js';

/**
 * Pseudo-code, for people.
 *
 * @public
 */
export function explain(plan: StagePlan): string {
  const blocks = [
    headerOf(plan),
    acceptOf(plan),
    ...plan.stages.map((stage) => stageOf(plan, stage)),
    finishedOf(),
    movedOf(plan),
    failedOf(plan),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Where the comments begin. */
const COMMENT_AT = 48;

function line(code: string, comment = ''): string {
  return comment === '' ? code : `${code.padEnd(COMMENT_AT - 1)} // ${comment}`;
}

function headerOf({ service, version, fingerprint, fields }: StagePlan): string[] {
  return [
    `// ${service}, version ${version}, plan ${fingerprint}`,
    ...(fields.length === 0
      ? ['// fields: none']
      : ['// fields:', ...fields.map((field) => `//   ${declarationOf(field)}`)]),
    '// In the code of a stage, io.snapshot() is set_state(s, that stage, fields).',
  ];
}

function declarationOf({ name, type, guard }: PlannedField): string {
  return `${name}: ${type}${guard === 'validated' ? ', validated whenever it leaves and arrives' : ''}`;
}

function acceptOf({ entry, stages, version, upgradesFrom }: StagePlan): string[] {
  const width = Math.max(...stages.map(({ name }) => name.length)) + '"":'.length;
  return [
    's = accept(ssock)',
    line('kind = get_state(s, &state)', 'probe the connection'),
    'if (kind == NEW_CONN) {',
    line(`  goto ${entry}`, 'the entry'),
    '} else if (kind == MIGRATED_CONN) {',
    ...upgradesFrom.map((from) => `  if (state.version == ${from}) state = upgrade_from_${from}(state)`),
    line(`  if (state is not of version ${version} and this plan) refuse`, 'the connection stays where it was'),
    '  fields = state.fields',
    line('  switch (state.stage) {', 'the restart point is there: its set_state is left out'),
    ...stages.map(({ name }) => `  case ${`"${name}":`.padEnd(width)} goto ${name}`),
    `  case ${'FINISHED:'.padEnd(width)} goto finished`,
    '  }',
    '}',
  ];
}

function stageOf(plan: StagePlan, stage: PlannedStage): string[] {
  const { name, lock, timeoutMs, recorded } = stage;
  const locked = lock !== 'open';
  return [
    `${name}:${titleOf(plan, stage)}`,
    ...(locked
      ? [
          lock === 'pinned'
            ? line('  status = lock_state(s)', 'pinned: moves are refused at once')
            : '  status = lock_state(s)',
          '  if (status == CONN_MIGRATED) goto moved',
        ]
      : []),
    line(`  ${setState(plan, name)}`, 'restart point'),
    ...outputOf(plan, stage),
    ...(timeoutMs === undefined
      ? []
      : [line(`  set_timeout(s, ${timeoutMs} ms)`, 'from one restart point to the next; then failed')]),
    line(`  next = ${callOf(name)}`, 'status == CONN_STILL_HERE, or goto moved'),
    ...recorded.map((target) => line(`    ${setState(plan, target)}`, 'io.snapshot({ stage })')),
    ...(locked ? [line('  unlock_state(s)', 'behind the set_state of what comes next')] : []),
    ...goOn(stage),
  ];
}

/** Says which delegate a stage is the entry of, and where that goes on. */
function titleOf({ delegates }: StagePlan, { name }: PlannedStage): string {
  const entered = delegates.filter((delegate) => delegate.entry === name);
  return entered
    .map((delegate) => ` // next('${delegate.name}') leads here; done() leads to ${thenOf(delegate)}`)
    .join('');
}

function thenOf({ name, then }: { readonly name: string; readonly then: string }): string {
  const owner = ownerOf(name);
  return owner === '' ? then : `${owner}.${then}`;
}

function outputOf({ stages }: StagePlan, { output }: PlannedStage): string[] {
  switch (output) {
    case 'held':
      return [line('  set_output_mode(s, HELD)', 'what is written waits for the next set_state')];
    case 'verified':
      return [line('  set_output_mode(s, VERIFIED)', 'after a move the same bytes have to be written again')];
    case 'live':
      return stages.some((stage) => stage.output !== 'live') ? ['  set_output_mode(s, LIVE)'] : [];
  }
}

function setState({ fields }: StagePlan, stage: string): string {
  return `set_state(s, "${stage}", { ${fields.map(({ name }) => name).join(', ')} })`.replace('{  }', '{}');
}

function callOf(name: string): string {
  return `${name}(io)`;
}

function goOn({ successors }: PlannedStage): string[] {
  if (successors.kind === 'unknown')
    return [line('  goto next', 'unknown: the code decides in a way that is not read')];
  const targets = [...successors.stages, ...(successors.ends ? ['finished'] : [])];
  if (targets.length === 0) return [line('  goto failed', 'it never returns next(...) or done()')];
  return [`  goto ${targets.join(' | ')}`];
}

function finishedOf(): string[] {
  return [
    'finished:',
    line('  set_state(s, FINISHED)', 'a move from here on runs no stage'),
    line('  close(s)', 'in order: once the client has all output'),
  ];
}

function movedOf({ moved }: StagePlan): string[] {
  return [
    line('moved:', 'CONN_MIGRATED, from whatever call on s'),
    line('  close what io.use() opened', 'last opened, first closed'),
    ...(moved === undefined ? [] : [line(`  ${moved}()`, '@Moved: roll back')]),
    '  close(s)',
  ];
}

function failedOf({ failed }: StagePlan): string[] {
  if (failed === undefined) return [line('failed:', 'a stage has thrown, or taken too long'), '  reset(s)'];
  return [
    line('failed:', 'a stage has thrown, or taken too long'),
    '  lock_state(s)',
    line(`  ${failed}(io, error)`, '@Failed: tell the client'),
    '  set_state(s, FINISHED)',
    '  unlock_state(s)',
    '  close(s)',
  ];
}
