// Restart points that a stage records for another one: `io.snapshot({ stage: 'x' })`.
//
//   A5. `io` is followed into functions inside, and into helpers of the session that it is handed to. Wherever else it goes,
//       restart points may be recorded unseen.

import type { CallExpression, MemberExpression } from 'acorn';
import { isDeclaredIn, parameterNames } from './bindings.js';
import { helperOf, type Code, type Located } from './code.js';
import { literalsIn, type Extent } from './literals.js';
import { childrenOf, isFunction, type AnyNode, type FunctionNode } from './source.js';

export class RecordReader {
  readonly stages = new Set<string>();
  extent: Extent = 'complete';
  readonly #code: Code;
  readonly #read = new Map<FunctionNode, Set<number>>();

  constructor(code: Code) {
    this.#code = code;
  }

  /** `at` is which parameter is the connection's io. */
  readFunction(fn: Located | undefined, at: number): void {
    if (fn === undefined) return this.#partial();
    const read = this.#read.get(fn.node) ?? new Set();
    if (read.has(at)) return;
    this.#read.set(fn.node, read.add(at));
    const parameter = fn.node.params[at];
    if (parameter !== undefined && parameter.type !== 'Identifier') return this.#partial();
    const io = parameter?.name;
    if (io !== undefined && isReused(fn.node, io)) return this.#partial();
    for (const part of [...fn.node.params.filter((other) => other !== parameter), fn.node.body]) {
      this.#visit(part, io, fn, 'session');
    }
  }

  #partial(): void {
    this.extent = 'partial';
  }

  /** `self` is what `this` is here. */
  #visit(node: AnyNode, io: string | undefined, fn: Located, self: 'session' | 'another'): void {
    if (isFunction(node)) return this.#visitInner(node, io, fn, self);
    if (node.type === 'Identifier') {
      if (node.name === io || node.name === 'arguments' || node.name === 'eval') this.#partial(); // A5
      return;
    }
    if (node.type === 'CallExpression') return this.#visitCall(node, io, fn, self);
    if (node.type === 'MemberExpression' && isName(node.object, io) && !isSnapshot(node)) {
      return node.computed ? this.#partial() : undefined;
    }
    const inClass = node.type === 'ClassDeclaration' || node.type === 'ClassExpression';
    for (const child of childrenOf(node)) this.#visit(child, io, fn, inClass ? 'another' : self);
  }

  #visitInner(node: FunctionNode, io: string | undefined, fn: Located, self: 'session' | 'another'): void {
    if (io !== undefined && parameterNames(node).includes(io)) return; // another value of that name
    if (io !== undefined && isDeclaredIn(node.body, io)) return this.#partial();
    const inner = node.type === 'ArrowFunctionExpression' ? self : 'another';
    for (const child of [...node.params, node.body]) this.#visit(child, io, fn, inner);
  }

  #visitCall(call: CallExpression, io: string | undefined, fn: Located, self: 'session' | 'another'): void {
    const { callee } = call;
    if (callee.type === 'MemberExpression' && isName(callee.object, io) && isSnapshot(callee)) {
      this.#readPoint(call.arguments[0]);
      for (const argument of call.arguments) this.#visit(argument, io, fn, self);
      return;
    }
    this.#visit(callee, io, fn, self);
    const spread = call.arguments.some(({ type }) => type === 'SpreadElement');
    const helper = self === 'session' && !spread ? helperOf(this.#code, call, fn) : undefined;
    for (const [at, argument] of call.arguments.entries()) {
      if (isName(argument, io))
        this.readFunction(helper, at); // A5
      else this.#visit(argument, io, fn, self);
    }
  }

  #readPoint(point: AnyNode | undefined): void {
    if (point === undefined) return;
    if (point.type !== 'ObjectExpression') return this.#partial();
    for (const property of point.properties) {
      if (property.type !== 'Property' || property.computed) return this.#partial();
      if (isName(property.key, 'stage') || (property.key.type === 'Literal' && property.key.value === 'stage')) {
        const { literals, extent } = literalsIn(property.value);
        for (const literal of literals) this.stages.add(literal);
        if (extent === 'partial') this.#partial();
      }
    }
  }
}

/** Whether a parameter's name means something else as well, outside of the functions inside. */
function isReused(fn: FunctionNode, name: string): boolean {
  return parameterNames(fn).filter((other) => other === name).length > 1 || isDeclaredIn(fn.body, name);
}

function isName(node: AnyNode, name: string | undefined): boolean {
  return node.type === 'Identifier' && node.name === name;
}

function isSnapshot({ property, computed }: MemberExpression): boolean {
  return !computed && property.type === 'Identifier' && property.name === 'snapshot';
}
