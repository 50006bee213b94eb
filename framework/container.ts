// Handlers from containers: inversify builds the instances of decorated services, with what their constructors ask for.
//
// Each hosted service gets a child of the application's container, in which the service and its delegates are bound: a new
// handler for each connection, singletons shared through the parent, and what is bound in request scope shared by all parts
// of one handler. (A child for each connection would cost 30 µs and 14 KB that its parent never gives back.) A service
// without dependencies needs no container.

import 'reflect-metadata';
import { Container, injectable, type Newable } from 'inversify';
import type { ServiceDefinition } from './definition.js';
import type { StagePlan } from './plan.js';
import {
  composeHandler,
  ConnectionContext,
  partOfFunctions,
  partOfInstance,
  type Handler,
  type HandlerPart,
  type Session,
} from './runtime/handler.js';

export type HandlerFactory = (context: ConnectionContext) => Handler;

/** Builds a new handler at each call. Throws what the container, the constructors or the initial values throw. */
export function handlerFactory(plan: StagePlan, definition: ServiceDefinition, parent?: Container): HandlerFactory {
  const container = new Container(parent === undefined ? {} : { parent });
  let current: ConnectionContext | undefined;
  container.bind(ConnectionContext).toDynamicValue(() => current as ConnectionContext);
  bindClasses(container, definition);
  return (context) => {
    current = context;
    const parts = new Map<string, HandlerPart>();
    const session = build(container, definition, '', parts);
    return composeHandler(session, parts, plan);
  };
}

function bindClasses(container: Container, { construction, delegates }: ServiceDefinition): void {
  if (construction.kind === 'class') {
    const type = construction.type as Newable<object>;
    makeInjectable(type);
    if (!container.isCurrentBound(type)) container.bind(type).toSelf().inTransientScope();
  }
  for (const delegate of delegates) bindClasses(container, delegate.definition());
}

/** The object at `path`, with its delegates in it. */
function build(
  container: Container,
  definition: ServiceDefinition,
  path: string,
  parts: Map<string, HandlerPart>,
): Session {
  const { construction } = definition;
  let session: Session;
  if (construction.kind === 'class') {
    const instance = container.get<object>(construction.type as Newable<object>);
    session = instance as Session;
    parts.set(path, partOfInstance(instance));
  } else {
    session = { ...construction.parts.fields() } as Session;
    parts.set(path, partOfFunctions(construction.parts, session));
  }
  for (const { name, definition: ofDelegate } of definition.delegates) {
    session[name] = build(container, ofDelegate(), path === '' ? name : `${path}.${name}`, parts);
  }
  return session;
}

/** So that nobody has to write `@injectable()` under `@Service`; whoever did keeps it. */
function makeInjectable(type: Newable<object>): void {
  const marked = Reflect.getOwnMetadataKeys(type).some((key) => String(key).includes('classIsInjectable'));
  if (!marked) injectable()(type);
}
