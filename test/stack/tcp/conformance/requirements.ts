// The requirements of RFC 9293 as requirements.txt has them: parsed, and complete.

export interface Requirement {
  readonly id: string;
  /** The heading above it. */
  readonly section: string;
  readonly asks: string;
  readonly status: Status;
}

export type Status =
  | { readonly kind: 'kept'; readonly files: readonly string[] }
  | { readonly kind: 'partly'; readonly files: readonly string[]; readonly why: string }
  | { readonly kind: 'not kept' | 'not offered' | 'not applicable'; readonly why: string };

/** How many of each kind appendix B has, numbered from 1. */
const COUNTS = { MUST: 69, SHLD: 31, MAY: 18, REC: 1 } as const;

/** Names the line, or the ids, that are wrong. */
export class RequirementsUnclear extends Error {
  override readonly name = 'RequirementsUnclear';
}

/** Throws `RequirementsUnclear`. */
export function parseRequirements(text: string): Requirement[] {
  const requirements: Requirement[] = [];
  let section = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('## ')) section = line.slice(3);
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [id = '', kind = '', asks = '', ...rest] = line.split('|').map((cell) => cell.trim());
    const status = statusOf(id, kind, rest);
    if (status === undefined || asks === '')
      throw new RequirementsUnclear(`line ${index + 1} is no requirement: ${line}`);
    requirements.push({ id, section, asks, status });
  }
  checkIds(requirements.map(({ id }) => id));
  return requirements;
}

function statusOf(id: string, kind: string, rest: readonly string[]): Status | undefined {
  const [first = '', second = ''] = rest;
  if (first === '') return undefined;
  switch (kind) {
    case 'kept':
      return rest.length === 1 ? { kind, files: first.split(' ') } : undefined;
    case 'partly':
      return second !== '' ? { kind, files: first.split(' '), why: second } : undefined;
    case 'not offered':
      return id.startsWith('MAY-') ? { kind, why: first } : undefined;
    case 'not kept':
    case 'not applicable':
      return { kind, why: first };
    default:
      return undefined;
  }
}

function checkIds(ids: readonly string[]): void {
  const wanted = Object.entries(COUNTS).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`),
  );
  const wrong = [
    ...wanted.filter((id) => !ids.includes(id)).map((id) => `${id} is missing`),
    ...ids.filter((id) => !wanted.includes(id)).map((id) => `${id} is none of RFC 9293`),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} comes twice`),
  ];
  if (wrong.length > 0) throw new RequirementsUnclear(wrong.join(', '));
}
