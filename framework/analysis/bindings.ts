// Names that a function gives to something: its parameters, and what it declares.
//
// The scopes of blocks are not told apart: a name that one block declares counts for the whole function.

import type { Pattern } from 'acorn';
import { childrenOf, isFunction, present, type AnyNode, type FunctionNode } from './source.js';

/** All of them, those of the functions inside included: any other name is the module's, or global. */
export function boundNames(fn: FunctionNode): ReadonlySet<string> {
  return new Set([...parameterNames(fn), ...ownName(fn), ...allDeclaredIn(fn.body)]);
}

export function parameterNames(fn: FunctionNode): string[] {
  return fn.params.flatMap(namesIn);
}

/** Declared in a body, outside of the functions in it. */
export function isDeclaredIn(body: AnyNode, name: string): boolean {
  if (isFunction(body)) return body.type === 'FunctionDeclaration' && body.id?.name === name;
  return declaredBy(body).includes(name) || childrenOf(body).some((child) => isDeclaredIn(child, name));
}

function ownName({ id }: { readonly id?: { readonly name: string } | null | undefined }): string[] {
  return present(id).map(({ name }) => name);
}

function allDeclaredIn(node: AnyNode): string[] {
  return [...declaredBy(node), ...childrenOf(node).flatMap(allDeclaredIn)];
}

function declaredBy(node: AnyNode): string[] {
  if (isFunction(node)) return [...parameterNames(node), ...ownName(node)];
  switch (node.type) {
    case 'VariableDeclarator':
      return namesIn(node.id);
    case 'ClassDeclaration':
    case 'ClassExpression':
      return ownName(node);
    case 'CatchClause':
      return present(node.param).flatMap(namesIn);
    default:
      return [];
  }
}

function namesIn(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        namesIn(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element === null ? [] : namesIn(element)));
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'RestElement':
      return namesIn(pattern.argument);
    default:
      return [];
  }
}
