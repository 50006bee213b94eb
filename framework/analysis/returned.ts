// Transitions that a stage returns.
//
//   A1. `next('a')`, `x.next('a')`, `(0, x.next)('a')` and the same with `done()` are transitions where `next` or `x` is
//       bound outside of the function. `Promise.resolve(...)` and `await` of a transition are that transition.
//   A2. Conditions, `&&`, `||`, `??` and the comma are followed; what can't be a transition leads nowhere.
//   A3. `return this.helper(...)`, `this.#helper(...)`, `super.helper(...)` return what the helper returns.
//   A4. Functions inside the function return for themselves. A generator returns no transition.

import type { CallExpression, Expression } from 'acorn';
import { boundNames } from './bindings.js';
import { helperOf, type Code, type Located } from './code.js';
import { literalsIn, type Extent } from './literals.js';
import { childrenOf, isFunction, present, type AnyNode, type FunctionNode } from './source.js';

export class ReturnReader {
  readonly stages = new Set<string>();
  ends = false;
  extent: Extent = 'complete';
  readonly #code: Code;
  readonly #read = new Set<FunctionNode>();

  constructor(code: Code) {
    this.#code = code;
  }

  readFunction(fn: Located | undefined): void {
    if (fn === undefined || fn.node.generator) return this.#partial(); // A4
    if (this.#read.has(fn.node)) return;
    this.#read.add(fn.node);
    const bound = boundNames(fn.node);
    for (const value of returnedBy(fn.node)) this.#readValue(value, fn, bound);
  }

  #partial(): void {
    this.extent = 'partial';
  }

  #readValue(value: Expression, fn: Located, bound: ReadonlySet<string>): void {
    const read = (part: Expression | undefined): void => {
      if (part !== undefined) this.#readValue(part, fn, bound);
    };
    switch (value.type) {
      case 'AwaitExpression':
        return read(value.argument);
      case 'ConditionalExpression':
        read(value.consequent);
        return read(value.alternate);
      case 'LogicalExpression':
        if (value.operator !== '&&') read(value.left); // A2: what is false is no transition
        return read(value.right);
      case 'SequenceExpression':
        return read(value.expressions.at(-1));
      case 'CallExpression':
        return this.#readCall(value, fn, bound);
      case 'Literal':
      case 'TemplateLiteral':
      case 'UnaryExpression':
        return;
      case 'Identifier':
        if (value.name === 'undefined' && !bound.has('undefined')) return;
        return this.#partial();
      default:
        return this.#partial();
    }
  }

  #readCall(call: CallExpression, fn: Located, bound: ReadonlySet<string>): void {
    const [argument] = call.arguments;
    switch (transitionOf(call, bound)) {
      case 'next':
        for (const name of this.#namesIn(argument)) this.stages.add(name);
        return;
      case 'done':
        this.ends = true;
        return;
      case 'resolve':
        if (argument === undefined) return;
        return argument.type === 'SpreadElement' ? this.#partial() : this.#readValue(argument, fn, bound);
      case 'other':
        return this.readFunction(helperOf(this.#code, call, fn)); // A3
    }
  }

  #namesIn(argument: AnyNode | undefined): string[] {
    const names = literalsIn(argument);
    if (names.extent === 'partial') this.#partial();
    return names.literals;
  }
}

/** A1. */
function transitionOf(call: CallExpression, bound: ReadonlySet<string>): 'next' | 'done' | 'resolve' | 'other' {
  const callee = calleeOf(call);
  if (callee.type === 'Identifier') {
    return (callee.name === 'next' || callee.name === 'done') && !bound.has(callee.name) ? callee.name : 'other';
  }
  if (callee.type !== 'MemberExpression' || callee.computed || callee.optional || call.optional) return 'other';
  const { object, property } = callee;
  if (object.type !== 'Identifier' || bound.has(object.name) || property.type !== 'Identifier') return 'other';
  if (property.name === 'next' || property.name === 'done') return property.name;
  return object.name === 'Promise' && property.name === 'resolve' ? 'resolve' : 'other';
}

/** `(0, f)(...)` calls `f`, with no `this`. */
function calleeOf({ callee }: CallExpression): AnyNode {
  if (callee.type !== 'SequenceExpression') return callee;
  const harmless = callee.expressions.slice(0, -1).every(({ type }) => type === 'Literal');
  const last = callee.expressions.at(-1);
  return harmless && last !== undefined ? last : callee;
}

/** The values that a function returns, those of the functions and classes inside it left out (A4). */
function returnedBy(fn: AnyNode): Expression[] {
  if (fn.type === 'ArrowFunctionExpression' && fn.body.type !== 'BlockStatement') return [fn.body];
  return isFunction(fn) ? returnsIn(fn.body) : [];
}

function returnsIn(node: AnyNode): Expression[] {
  if (isFunction(node) || node.type === 'ClassDeclaration' || node.type === 'ClassExpression') return [];
  if (node.type === 'ReturnStatement') return present(node.argument);
  return childrenOf(node).flatMap(returnsIn);
}
