// The code of a service, as far as it can be looked up: stages, and the methods that they call on `this`.
//
//   C1. A method is found where the engine would find it: in the most derived class that has it. `super` begins one higher.
//   C2. A method that a field or an assignment to `this` may hide is not found.
//   C3. A #private method is looked for in the class that the caller's text stands in; a wrapper from elsewhere has none.

import type { CallExpression, MethodDefinition, Super, ThisExpression } from 'acorn';
import type { ClassSource } from './class-source.js';
import { childrenOf, parseClass, parseFunction, type AnyNode, type FunctionNode } from './source.js';

/** A function, and which class of the chain it was found in. */
export interface Located {
  readonly node: FunctionNode;
  readonly home: number;
  /** `elsewhere`: it was put into the class later. */
  readonly origin: 'class' | 'elsewhere';
}

/** What a call on `this` or `super` may reach. */
export interface Code {
  method(of: ThisExpression | Super, name: string, caller: Located): Located | undefined;
  privateMethod(name: string, caller: Located): Located | undefined;
}

/** Of a function that stands alone: what its `this` is can't be said. */
export const NO_CODE: Code = { method: () => undefined, privateMethod: () => undefined };

export function locateLone(text: string): Located | undefined {
  const node = parseFunction(text);
  return node === undefined ? undefined : { node, home: 0, origin: 'elsewhere' };
}

export class ClassCode implements Code {
  readonly #sources: readonly ClassSource[];
  readonly #bodies: readonly (AnyNode | undefined)[];
  readonly #hidden: ReadonlySet<string>;
  readonly #found = new Map<string, Located | undefined>();

  constructor(sources: readonly ClassSource[]) {
    this.#sources = sources;
    this.#bodies = sources.map(({ text }) => parseClass(text));
    this.#hidden = new Set(this.#bodies.flatMap((body) => (body === undefined ? [ANY_NAME] : ownNames(body))));
  }

  /** The method that runs as a stage. */
  stage(name: string): Located | undefined {
    return this.#find(name, 0);
  }

  method(of: ThisExpression | Super, name: string, caller: Located): Located | undefined {
    return this.#find(name, of.type === 'Super' ? caller.home + 1 : 0);
  }

  privateMethod(name: string, { home, origin }: Located): Located | undefined {
    const body = this.#bodies[home];
    if (body?.type !== 'ClassExpression' || origin === 'elsewhere') return undefined; // C3
    const found = body.body.body.find((member) => isPrivateMethod(member, name));
    return found?.type === 'MethodDefinition' ? { node: found.value, home, origin } : undefined;
  }

  #find(name: string, from: number): Located | undefined {
    if (this.#hidden.has(name) || this.#hidden.has(ANY_NAME)) return undefined; // C2
    const home = this.#sources.findIndex(({ methods }, index) => index >= from && methods.has(name)); // C1
    const key = `${home} ${name}`;
    if (!this.#found.has(key)) this.#found.set(key, locate(this.#sources[home], name, home));
    return this.#found.get(key);
  }
}

function locate(source: ClassSource | undefined, name: string, home: number): Located | undefined {
  const text = source?.methods.get(name) ?? '';
  const node = parseFunction(text);
  if (source === undefined || node === undefined) return undefined;
  return { node, home, origin: source.text.includes(text) ? 'class' : 'elsewhere' };
}

/** Stands for names that are made while the program runs, and so may be any. */
const ANY_NAME = '*';

function isPrivateMethod(member: AnyNode, name: string): member is MethodDefinition {
  if (member.type !== 'MethodDefinition' || member.static || member.kind !== 'method') return false;
  return member.key.type === 'PrivateIdentifier' && member.key.name === name;
}

/** Names that instances get as properties of their own: fields, and assignments to `this`. */
function ownNames(node: AnyNode): string[] {
  const inside = childrenOf(node).flatMap(ownNames);
  if (node.type === 'PropertyDefinition' && !node.static) return [nameOf(node.key, node.computed), ...inside];
  if (node.type === 'AssignmentExpression' && node.left.type === 'MemberExpression') {
    const { object, property, computed } = node.left;
    if (object.type === 'ThisExpression') return [nameOf(property, computed), ...inside];
  }
  return inside;
}

function nameOf(key: AnyNode, computed: boolean): string {
  if (key.type === 'PrivateIdentifier') return `#${key.name}`;
  if (key.type === 'Literal') return String(key.value);
  return key.type === 'Identifier' && !computed ? key.name : ANY_NAME;
}

/** What a call on `this` reaches; undefined for all other calls. */
export function helperOf(code: Code, { callee }: CallExpression, caller: Located): Located | undefined {
  if (callee.type !== 'MemberExpression' || callee.optional || caller.node.type === 'ArrowFunctionExpression') {
    return undefined;
  }
  const { object, property } = callee;
  if (property.type === 'PrivateIdentifier') {
    return object.type === 'ThisExpression' ? code.privateMethod(property.name, caller) : undefined;
  }
  if (object.type !== 'ThisExpression' && object.type !== 'Super') return undefined;
  return property.type === 'Identifier' && !callee.computed ? code.method(object, property.name, caller) : undefined;
}
