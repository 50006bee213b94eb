// `migratory explain`: what a service compiles into, drawn as asked for; or what a diagnostic is about.

import { compile, explain, stageDiagram, stageGraph, type StagePlan } from '../index.js';
import { diagnose, DIAGNOSTIC_KINDS } from '../diagnostics.js';
import { CAUSES } from './diagnostic-texts.js';
import { CommandFailed, STATUS, UsageError } from './failure.js';
import { writeOutput } from './file-store.js';
import type { ExplainOptions } from './invocation.js';
import { loadService } from './module-adapter.js';
import type { Screen } from './screen.js';

/** Resolves with the exit status. Rejects with `UsageError`, `CommandFailed` or `CompileFailed`. */
export async function explainService(screen: Screen, file: string, options: ExplainOptions): Promise<number> {
  if (/^MIG\d+$/i.test(file)) deliver(screen, explainDiagnostic(file.toUpperCase()), options.output);
  else {
    const { source } = await loadService(file, options.export);
    deliver(screen, await draw(compile(source), options.format), options.output);
  }
  return STATUS.ok;
}

async function draw(plan: StagePlan, format: ExplainOptions['format']): Promise<string> {
  switch (format) {
    case 'text':
      return `${explain(plan)}\n// The stages, as Mermaid draws them:\n${stageDiagram(plan)}`;
    case 'mermaid':
      return stageDiagram(plan);
    case 'dot':
      return stageGraph(plan);
    case 'svg':
      return renderSvg(stageGraph(plan));
  }
}

/** Graphviz, as WebAssembly: loaded only where a picture is asked for. */
async function renderSvg(graph: string): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  return (await instance()).renderString(graph, { format: 'svg' });
}

function explainDiagnostic(code: string): string {
  const known = DIAGNOSTIC_KINDS.map((kind) => diagnose(kind, '', ''));
  const found = known.find((diagnostic) => diagnostic.code === code);
  if (found === undefined) {
    throw new UsageError(
      `there is no diagnostic ${code}: they go from ${known[0]?.code ?? ''} to ${known.at(-1)?.code ?? ''}`,
    );
  }
  const { kind, remedy, page } = found;
  const lines = [`${code}  ${kind}`, '', ...wrap(CAUSES[kind]), '', ...wrap(remedy), '', `See ${page}`];
  return `${lines.join('\n')}\n`;
}

const LINE_LENGTH = 80;

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > LINE_LENGTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function deliver(screen: Screen, text: string, path: string | undefined): void {
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  if (path === undefined) screen.text(whole);
  else if (path === '') throw new CommandFailed('--output: name a file');
  else writeOutput(path, whole);
}
