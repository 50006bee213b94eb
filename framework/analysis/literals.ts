// Names that stand in the code as they are.

import type { AnyNode } from './source.js';

/** `partial`: there may be more than was read. */
export type Extent = 'complete' | 'partial';

/** The strings that an expression may be: a literal, or a choice of literals. */
export function literalsIn(node: AnyNode | undefined): { literals: string[]; extent: Extent } {
  if (node?.type === 'Literal' && typeof node.value === 'string') return { literals: [node.value], extent: 'complete' };
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) {
    return { literals: [node.quasis[0]?.value.cooked ?? ''], extent: 'complete' };
  }
  if (node?.type !== 'ConditionalExpression') return { literals: [], extent: 'partial' };
  const [one, other] = [literalsIn(node.consequent), literalsIn(node.alternate)];
  return {
    literals: [...one.literals, ...other.literals],
    extent: one.extent === 'partial' ? 'partial' : other.extent,
  };
}
