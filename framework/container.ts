// Handlers from containers: inversify builds the instances of decorated services, with what their constructors ask for.
//
// Each hosted service gets a child of the application's container, in which the service and its delegates are bound: a new
// handler for each connection, singletons shared through the parent, and what is bound in request scope shared by all that
// one handler's constructor leads to. (A child for each connection would cost 30 µs and 14 KB that its parent never gives
// back.) A service without dependencies needs no container.

import 'reflect-metadata';
import { Container, injectable, type Newable } from 'inversify';
import type { ServiceDefinition } from './definition.js';
import type { StagePlan } from './plan.js';
import {
  CLASS_CALLS,
  ComposedHandler,
  ConnectionContext,
  functionCallsOf,
  type Calls,
  type ConnectionFacts,
  type Handler,
  type Session,
} from './runtime/handler.js';

export type HandlerFactory = (facts: ConnectionFacts) => Handler;

/** Builds a new handler at each call. Throws what the container, the constructors or the initial values throw. */
export function handlerFactory(plan: StagePlan, definition: ServiceDefinition, parent?: Container): HandlerFactory {
  const container = new Container(parent === undefined ? {} : { parent });
  let current: ConnectionFacts | undefined;
  container.bind(ConnectionContext).toDynamicValue(() => new ConnectionContext(current as ConnectionFacts));
  bindClasses(container, definition);
  const calls = new Map<string, Calls>();
  describe(definition, '', calls);
  const shape = { calls, moved: plan.moved, failed: plan.failed };
  return (facts) => {
    current = facts;
    try {
      return new ComposedHandler(build(container, definition), shape);
    } finally {
      current = undefined; // what asks later would be given somebody else's connection
    }
  };
}

function describe({ construction, delegates }: ServiceDefinition, path: string, calls: Map<string, Calls>): void {
  calls.set(path, construction.kind === 'class' ? CLASS_CALLS : functionCallsOf(construction.parts));
  for (const { name, definition } of delegates) describe(definition(), path === '' ? name : `${path}.${name}`, calls);
}

function bindClasses(container: Container, { construction, delegates }: ServiceDefinition): void {
  if (construction.kind === 'class') {
    const type = construction.type as Newable<object>;
    makeInjectable(type);
    if (!container.isCurrentBound(type)) container.bind(type).toSelf().inTransientScope();
  }
  for (const delegate of delegates) bindClasses(container, delegate.definition());
}

/** An object of a handler, with its delegates in it. */
function build(container: Container, { construction, delegates }: ServiceDefinition): Session {
  const session = (
    construction.kind === 'class'
      ? container.get<object>(construction.type as Newable<object>)
      : { ...construction.parts.fields() }
  ) as Session;
  for (const { name, definition } of delegates) session[name] = build(container, definition());
  return session;
}

/** So that nobody has to write `@injectable()` under `@Service`; whoever did keeps it. */
function makeInjectable(type: Newable<object>): void {
  const marked = Reflect.getOwnMetadataKeys(type).some((key) => String(key).includes('classIsInjectable'));
  if (!marked) injectable()(type);
}
