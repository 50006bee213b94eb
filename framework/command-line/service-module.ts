// The service of a module: which of its exports it is, and what its constructor gets.
//
// A service is a class with `@Service` or what `defineService` returned. A module with one is taken as it is; with several
// the caller says which. `export function container(): Container` gives the dependencies, anew for each member.

import { definitionOf } from '../decorators.js';
import type { Container, ServiceClass, ServiceSource } from '../index.js';
import { CommandFailed, oneLineWithPlace, UsageError } from './failure.js';

export interface ServiceModule {
  /** Under which it is exported. */
  readonly exportName: string;
  readonly source: ServiceSource;
  /** Calls the module's `container`, where it has one. Rejects with `CommandFailed`. */
  container(): Promise<Container | undefined>;
}

/** `exports` of the module `file`. Throws `UsageError` or `CommandFailed`, and says what there is. */
export function serviceOf(
  file: string,
  exports: Readonly<Record<string, unknown>>,
  wanted: string | undefined,
): ServiceModule {
  const services = servicesAmong(exports);
  const names = services.map(([name]) => name).join(', ');
  if (wanted !== undefined) {
    const source = exports[wanted];
    if (!(wanted in exports)) {
      const known = names === '' ? 'it has no service' : `its services are ${names}`;
      throw new UsageError(`${file}: it exports no '${wanted}'; ${known}`);
    }
    if (!isDefinition(source) && typeof source !== 'function') {
      throw new UsageError(`${file}: '${wanted}' is neither a class with @Service nor what defineService returns`);
    }
    return moduleOf(file, exports, wanted, source as ServiceSource);
  }
  const [only, ...others] = services;
  if (only === undefined) {
    throw new CommandFailed(
      `${file}: it exports no service: export a class with @Service or what defineService returns`,
    );
  }
  if (others.length > 0) {
    if (!isDeclared(only[1])) {
      throw new CommandFailed(`${file}: it exports no service: none of ${names} has @Service({ name, version })`);
    }
    throw new UsageError(`${file}: it exports several services: say --export with one of ${names}`);
  }
  return moduleOf(file, exports, only[0], only[1]);
}

/** Each service once: a default export that has a name too goes by its name. */
function servicesAmong(exports: Readonly<Record<string, unknown>>): [name: string, source: ServiceSource][] {
  const entries = Object.entries(exports) as [name: string, source: ServiceSource][];
  const declared = entries.filter(([, value]) => isDeclared(value));
  // A class that has stages and lacks @Service is meant to be one: compiling it says what is missing.
  const found = declared.length > 0 ? declared : entries.filter(([, value]) => hasStages(value));
  const isAlias = ([name, source]: [string, ServiceSource]): boolean =>
    name === 'default' && found.some(([other, same]) => same === source && other !== name);
  return found.filter((entry) => !isAlias(entry));
}

function isDeclared(value: unknown): boolean {
  if (isDefinition(value)) return true;
  return typeof value === 'function' && definitionOf(value as ServiceClass).identity.kind === 'declared';
}

function hasStages(value: unknown): boolean {
  return typeof value === 'function' && definitionOf(value as ServiceClass).stages.length > 0;
}

function isDefinition(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'service-definition';
}

function moduleOf(
  file: string,
  exports: Readonly<Record<string, unknown>>,
  exportName: string,
  source: ServiceSource,
): ServiceModule {
  return { exportName, source, container: () => containerOf(file, exports.container) };
}

async function containerOf(file: string, make: unknown): Promise<Container | undefined> {
  if (make === undefined) return undefined;
  if (typeof make !== 'function')
    throw new CommandFailed(`${file}: 'container' must be a function that returns a Container`);
  let made: unknown;
  try {
    made = await (make as () => unknown)();
  } catch (error) {
    throw new CommandFailed(`${file}: container() failed: ${oneLineWithPlace(error)}`);
  }
  if (typeof made !== 'object' || made === null || !('bind' in made) || !('get' in made)) {
    throw new CommandFailed(`${file}: container() must return a Container`);
  }
  return made as Container;
}
