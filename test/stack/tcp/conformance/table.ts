// docs/conformance.md, from the requirements and from the tests that show them. No row is written by hand: what has neither a
// test nor a reason makes this throw.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Evidence } from './evidence.js';
import type { Requirement } from './requirements.js';

/** Names every requirement that is not borne out. */
export class ConformanceUnproved extends Error {
  override readonly name = 'ConformanceUnproved';
}

/** Throws `ConformanceUnproved`. */
export function conformancePage(
  requirements: readonly Requirement[],
  evidence: readonly Evidence[],
  root: string,
): string {
  const wrong = problems(requirements, evidence, root);
  if (wrong.length > 0) throw new ConformanceUnproved(wrong.join('\n'));
  const sections = [...new Set(requirements.map(({ section }) => section))];
  const bodies = sections.map((section) => {
    const rows = requirements.filter((requirement) => requirement.section === section);
    return `## ${section}\n\n${table(rows.map((requirement) => rowOf(requirement, evidence)))}`;
  });
  return `${introduction(requirements)}\n\n${bodies.join('\n\n')}\n`;
}

/** What can't be said of a requirement, a line each. */
export function problems(requirements: readonly Requirement[], evidence: readonly Evidence[], root: string): string[] {
  const found: string[] = [];
  for (const { id, status } of requirements) {
    const tests = evidence.filter((item) => item.id === id);
    if (status.kind === 'kept' || status.kind === 'partly') {
      if (tests.length === 0) found.push(`${id} is said to be ${status.kind}, and no test is named by it`);
      for (const file of status.files) {
        if (!existsSync(join(root, file))) found.push(`${id} is said to be kept in ${file}, which is not there`);
      }
    } else if (tests.length > 0) {
      found.push(`${id} is said to be ${status.kind}, and ${tests[0]?.file ?? ''} tests it`);
    }
  }
  for (const { id, file } of evidence) {
    if (!requirements.some((requirement) => requirement.id === id))
      found.push(`${file} names ${id}, which is not known`);
  }
  return found;
}

function introduction(requirements: readonly Requirement[]): string {
  const count = (kind: string): number => requirements.filter(({ status }) => status.kind === kind).length;
  return `# Conformance

Every requirement of RFC 9293 (its appendix B) and what became of it here: ${count('kept')} are kept, ${count('partly')} in part, ${count('not kept')} are not,
${count('not offered')} are things that a TCP may do and ours does not, ${count('not applicable')} do not concern it. \`npm run conformance\` writes this page from
[requirements.txt](../test/stack/tcp/conformance/requirements.txt) and from the tests: what is said to be kept has a test
that is named by the requirement. A test fails where the page is not what the command would write.

Scripts (\`.pkt\`) are in the language of packetdrill: \`npm run packetdrill -- FILE...\` runs any such file against our TCP, in
simulated time, without privileges, and says \`pass\`, \`fail\` with what was expected and what came, or \`not expressible\` with
the reason. Published scripts for Linux run as far as they speak of TCP alone: commands that set Linux up are read and not
run, TCP_INFO, epoll and Fast Open are not expressible. The order of options and the padding between them are not
compared, as a sender may choose both; a bundle of segments counts as one where the script writes it so.`;
}

function rowOf({ id, asks, status }: Requirement, evidence: readonly Evidence[]): string[] {
  // A file with several tests of one requirement is named once.
  const files = new Set(evidence.filter((item) => item.id === id).map(({ file }) => file));
  const tests = [...files].map(fileLink);
  switch (status.kind) {
    case 'kept':
      return [id, asks, status.files.map(fileLink).join(', '), tests.join(', ')];
    case 'partly':
      return [id, asks, `in part: ${status.files.map(fileLink).join(', ')}`, `${tests.join(', ')}; ${status.why}`];
    default:
      return [id, asks, status.kind, status.why];
  }
}

function fileLink(file: string): string {
  return `[${file.replace(/^.*\//, '')}](../${file})`;
}

/** Padded as the formatter pads tables. */
function table(rows: readonly (readonly string[])[]): string {
  const all = [['requirement', 'asks', 'kept in', 'tested by, or why not'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map((row) => line(row))].join('\n');
}
