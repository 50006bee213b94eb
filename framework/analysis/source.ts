// Source text into syntax: what a function or a class says of itself (`Function.prototype.toString`), parsed.
//
// The text may be anything that the running engine understands, and be older or newer than the parser: what does not parse
// is undefined, and nothing is concluded from it.

import { parse, type AnyNode, type Expression } from 'acorn';

export type { AnyNode };

export type FunctionNode = Extract<
  AnyNode,
  { type: 'FunctionExpression' | 'ArrowFunctionExpression' | 'FunctionDeclaration' }
>;
type ClassNode = Extract<AnyNode, { type: 'ClassExpression' }>;

/** A function expression, an arrow, or a method as it stands in its class; undefined for getters, setters and natives. */
export function parseFunction(text: string): FunctionNode | undefined {
  const expression = parseExpression(text) ?? parseExpression(`{ ${text} }`);
  if (expression === undefined) return undefined;
  if (isFunction(expression)) return expression;
  if (expression.type !== 'ObjectExpression' || expression.properties.length !== 1) return undefined;
  const [property] = expression.properties;
  return property?.type === 'Property' && property.method && isFunction(property.value) ? property.value : undefined;
}

/** A class, or the constructor function that an older compiler makes of one. */
export function parseClass(text: string): ClassNode | FunctionNode | undefined {
  const expression = parseExpression(text);
  if (expression === undefined) return undefined;
  return expression.type === 'ClassExpression' || isFunction(expression) ? expression : undefined;
}

function parseExpression(text: string): Expression | undefined {
  try {
    // A method's text may call #private methods of the class that it was cut from.
    const options = { ecmaVersion: 'latest', sourceType: 'module', checkPrivateFields: false } as const;
    const [statement, ...others] = parse(`(${text}\n)`, options).body;
    return statement?.type === 'ExpressionStatement' && others.length === 0 ? statement.expression : undefined;
  } catch {
    return undefined;
  }
}

export function isFunction(node: AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression' || node.type === 'FunctionDeclaration'
  );
}

/** The nodes right below, in the order of the text; names that stand for themselves (`x.name`, `{ name: 1 }`) left out. */
export function childrenOf(node: AnyNode): AnyNode[] {
  switch (node.type) {
    case 'MemberExpression':
      return node.computed ? [node.object, node.property] : [node.object];
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return [...(node.computed ? [node.key] : []), ...present(node.value)];
    case 'LabeledStatement':
      return [node.body];
    case 'BreakStatement':
    case 'ContinueStatement':
      return [];
    default:
      return Object.values(node).flatMap(nodesIn);
  }
}

/** The parser leaves out what isn't there, or says null. */
export function present<Value>(value: Value | null | undefined): Value[] {
  return value === null || value === undefined ? [] : [value];
}

function nodesIn(value: unknown): AnyNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
    ? [value as AnyNode]
    : [];
}
