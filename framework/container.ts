// Handlers from containers: inversify builds the instances of decorated services, with what their constructors ask for.
//
// Each hosted service gets a child of the application's container, in which the service alone is bound, transient: a new
// handler for each connection, singletons shared through the parent. (A child for each connection would cost 70 µs, and its
// parent would have to remember it.) A service without dependencies needs neither a container nor `reflect-metadata`.

import 'reflect-metadata';
import { Container, injectable, type Newable } from 'inversify';
import type { ServiceDefinition } from './definition.js';
import type { StagePlan } from './plan.js';
import { handlerOfFunctions, handlerOfInstance, type Handler } from './runtime/handler.js';

/** Builds a new handler at each call. Throws what the container, the constructor or the initial values throw. */
export function handlerFactory(plan: StagePlan, definition: ServiceDefinition, parent?: Container): () => Handler {
  const { construction } = definition;
  if (construction.kind === 'functions') return () => handlerOfFunctions(construction.parts);
  const type = construction.type as Newable<object>;
  makeInjectable(type);
  const container = new Container(parent === undefined ? {} : { parent });
  container.bind(type).toSelf().inTransientScope();
  return () => handlerOfInstance(container.get(type), plan.moved);
}

/** So that nobody has to write `@injectable()` under `@Service`; whoever did keeps it. */
function makeInjectable(type: Newable<object>): void {
  const marked = Reflect.getOwnMetadataKeys(type).some((key) => String(key).includes('classIsInjectable'));
  if (!marked) injectable()(type);
}
