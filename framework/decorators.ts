// Decorators: they write metadata on the class, and do nothing else.
//
// Nothing is registered, wrapped or checked here; `definitionOf` reads the metadata back, base class first, when somebody
// compiles the class. The compiler option `emitDecoratorMetadata` gives the types of snapshot fields.
//
// They are those of `experimentalDecorators`. The standard ones of ECMAScript are called with a context instead of a name,
// know no types and nothing of their class: a declaration made with them says so when it is compiled, and nothing else.

import 'reflect-metadata';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type {
  DelegateDeclaration,
  FieldConstructor,
  FieldDeclaration,
  Identity,
  MemberDeclaration,
  Placement,
  ServiceClass,
  ServiceDefinition,
  StageDeclaration,
  StageSettings,
  UpgradeDeclaration,
  UpgradeFunction,
} from './definition.js';
import type { StageIo } from './stage-io.js';
import type { Transition } from './transition.js';

const KEY = {
  service: 'migratory:service',
  stages: 'migratory:stages',
  fields: 'migratory:fields',
  moved: 'migratory:moved',
  failed: 'migratory:failed',
  delegates: 'migratory:delegates',
  upgrades: 'migratory:upgrades',
} as const;

/** What a service is known by, at all members. */
export interface ServiceOptions {
  /** Lower-case letters, digits and hyphens, at most 63. */
  readonly name: string;
  /** A positive integer; it changes with the meaning of the fields or stages. */
  readonly version: number;
}

export interface StageOptions extends StageSettings {
  /** Whether new connections begin here. Exactly one stage says so. */
  readonly entry?: true;
}

/** What is said of a snapshot field besides its written type. */
export interface SnapshotOptions {
  /** For a field whose written type is a union, an interface or `unknown`: `Object`, or the class of its values. */
  readonly type?: FieldConstructor;
  /** Guards the field: a snapshot with a value that it refuses is neither taken nor accepted. It does not transform. */
  readonly validate?: StandardSchemaV1;
}

/** Where its owner goes on after a delegate. */
export interface DelegateOptions {
  /** The stage of the owner at which the connection goes on when the delegate has finished. */
  readonly then: string;
}

interface StageMetadata extends StageDeclaration {
  readonly entry: 'entry' | 'ordinary';
}

/** Declares a class to be a service: one instance of it handles one connection. */
export function Service(options: ServiceOptions): (type: ServiceClass) => void {
  return (type, ...context: readonly unknown[]) => {
    const kind = context.length === 0 ? 'declared' : 'standard-decorators';
    Reflect.defineMetadata(KEY.service, { kind, name: options.name, version: options.version }, type);
  };
}

/** Declares a method to be a stage: a named restart point. Entering it is `setState(stage, fields)`. */
export function Stage(options: StageOptions = {}) {
  return <Method extends (io: StageIo) => Promise<Transition>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    if (isContext(key)) return;
    const { entry, ...settings } = options;
    const stage: StageMetadata = {
      ...memberOf(target, key, descriptor, 'method'),
      settings,
      entry: entry === true ? 'entry' : 'ordinary',
    };
    append(KEY.stages, target, stage);
  };
}

/** Declares a field to be part of every snapshot. It travels with the connection, so it holds plain data. */
export function Snapshot(options: SnapshotOptions = {}) {
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (isContext(key)) return;
    const type = options.type ?? writtenType(target, key);
    const field: FieldDeclaration = {
      ...memberOf(target, key, descriptor, 'field'),
      type,
      ...(options.validate === undefined ? {} : { validate: options.validate }),
    };
    append(KEY.fields, target, field);
  };
}

/**
 * Declares the method that is called at the origin once the connection has left: it rolls back and closes.
 *
 * @public
 */
export function Moved() {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor): void => {
    if (!isContext(key)) append(KEY.moved, target, memberOf(target, key, descriptor, 'method'));
  };
}

/**
 * Declares the method that is called when a stage has thrown: `(io, error)`. It says so to the client as the protocol asks;
 * then the connection is ended. Without one it is reset.
 *
 * @public
 */
export function Failed() {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor): void => {
    if (!isContext(key)) append(KEY.failed, target, memberOf(target, key, descriptor, 'method'));
  };
}

/**
 * Declares a field to be a sub-protocol: an object of its written type, a class with `@Stage`s and `@Snapshot`s. The
 * framework builds it; `next('field')` enters it, its fields travel with its owner's.
 *
 * @public
 */
export function Delegate(options: DelegateOptions) {
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (isContext(key)) return;
    const type = writtenType(target, key);
    const delegate: DelegateDeclaration = {
      ...memberOf(target, key, descriptor, 'field'),
      then: options.then,
      definition: () => definitionOf(type === 'unwritten' ? Object : (type as unknown as ServiceClass)),
    };
    append(KEY.delegates, target, delegate);
  };
}

/**
 * Declares the static method that makes, out of a snapshot of version `fromVersion`, the one that the next newer version
 * would have taken. Upgrades of older versions are applied one after the other.
 *
 * @public
 */
export function Upgrade(fromVersion: number) {
  return (target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<UpgradeFunction>): void => {
    if (isContext(key)) return;
    const isStatic = typeof target === 'function';
    const upgrade: UpgradeDeclaration = {
      name: String(key),
      placement: isStatic ? 'as-intended' : 'a method',
      from: fromVersion,
      upgrade: (snapshot) => (descriptor.value as UpgradeFunction).call(target, snapshot),
    };
    append(KEY.upgrades, target, upgrade);
  };
}

/** What the decorators of a class and of its base classes say. A member that overrides another replaces it. */
export function definitionOf(type: ServiceClass): ServiceDefinition {
  const stages = collect<StageMetadata>(KEY.stages, type);
  return {
    kind: 'service-definition',
    identity: (Reflect.getOwnMetadata(KEY.service, type) as Identity | undefined) ?? { kind: 'missing' },
    stages,
    entries: [...new Set(stages.filter((stage) => stage.entry === 'entry').map((stage) => stage.name))],
    fields: () => collect<FieldDeclaration>(KEY.fields, type),
    moved: collect<MemberDeclaration>(KEY.moved, type),
    failed: collect<MemberDeclaration>(KEY.failed, type),
    delegates: collect<DelegateDeclaration>(KEY.delegates, type),
    upgrades: collect<UpgradeDeclaration>(KEY.upgrades, type),
    construction: { kind: 'class', type },
  };
}

/** What a standard decorator is called with in the place of the name; the class has it too, which says so. */
function isContext(key: unknown): boolean {
  return typeof key === 'object';
}

function append(key: string, target: object, item: MemberDeclaration): void {
  const holder: object = typeof target === 'function' ? target : target.constructor;
  const items = (Reflect.getOwnMetadata(key, holder) as readonly MemberDeclaration[] | undefined) ?? [];
  Reflect.defineMetadata(key, [...items, item], holder);
}

function collect<Item extends MemberDeclaration>(key: string, type: object): Item[] {
  const base: unknown = Object.getPrototypeOf(type);
  const own = (Reflect.getOwnMetadata(key, type) as readonly Item[] | undefined) ?? [];
  if (typeof base !== 'function' || base === Function.prototype) return [...own];
  const overridden = new Set(own.map((item) => item.name));
  return [...collect<Item>(key, base).filter((item) => !overridden.has(item.name)), ...own];
}

function memberOf(
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  intended: 'method' | 'field',
): MemberDeclaration {
  const name = String(key);
  if (typeof key === 'symbol') return { name, placement: 'a symbol' };
  if (name.startsWith('#')) return { name, placement: 'a #private name' };
  if (typeof target === 'function') return { name, placement: 'a static member' };
  const found = kindOf(descriptor);
  return { name, placement: found === intended ? 'as-intended' : PLACEMENT[found] };
}

const PLACEMENT = { method: 'a method', field: 'a field', accessor: 'an accessor' } as const satisfies Record<
  string,
  Placement
>;

function kindOf(descriptor: PropertyDescriptor | undefined): 'method' | 'field' | 'accessor' {
  if (descriptor === undefined) return 'field';
  if (descriptor.get !== undefined || descriptor.set !== undefined) return 'accessor';
  return typeof descriptor.value === 'function' ? 'method' : 'field';
}

/** `Object` is what the compiler writes for unions, interfaces and inferred types alike: it says nothing. */
function writtenType(target: object, key: string | symbol): FieldConstructor | 'unwritten' {
  const type: unknown = Reflect.getMetadata('design:type', target, key);
  return typeof type === 'function' && type !== Object ? (type as unknown as FieldConstructor) : 'unwritten';
}
