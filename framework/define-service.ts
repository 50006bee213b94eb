// A service without decorators: functions that work on a session, the object of the snapshot's fields.
//
// The same definition comes out as for a decorated class, and the same plan. The types know the stages, the fields and the
// delegates by name.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { definitionOf } from './decorators.js';
import type {
  Departure,
  FieldConstructor,
  ServiceDefinition,
  ServiceSource,
  StageSettings,
  UpgradeFunction,
} from './definition.js';
import type { StageIo } from './stage-io.js';
import type { Done, NextStage } from './transition.js';

/** Sub-protocols by the name of their field: classes with `@Stage`s, or what `defineService` returned. */
type DelegateSources<Delegates> = Readonly<Record<keyof Delegates, ServiceSource>>;

type SessionOf<Source> =
  Source extends ServiceDefinition<infer Session>
    ? Session
    : Source extends abstract new (...dependencies: never[]) => infer Instance
      ? Instance
      : never;

/** What a stage of a form works on. */
type FormSession<Fields extends object, Delegates extends object> = Fields & {
  readonly [Name in keyof Delegates]: SessionOf<Delegates[Name]>;
};

/** A form's stages in the shape of a class, so that `io.snapshot({ stage })` admits their names. */
type FormStages<Names extends string> = { readonly [Name in Names]: (io: never) => Promise<Done> };

/**
 * A service without decorators. `Stages` are the names of its stages, `Delegates` its sub-protocols by name: `next('...')`
 * admits no other.
 */
export interface ServiceForm<
  Fields extends object,
  Stages extends string,
  Delegates extends DelegateSources<Delegates> = object,
> {
  /** Lower-case letters, digits and hyphens, at most 63. */
  readonly name: string;
  /** A positive integer. */
  readonly version: number;
  readonly entry: NoInfer<Stages>;
  /** The snapshot fields with their initial values; called once for each connection. */
  readonly fields: () => Fields;
  /** Sub-protocols: `next(name)` enters one, its session is `session[name]`, and `then` is what follows it. */
  readonly delegates?: {
    readonly [Name in keyof Delegates]: {
      readonly service: Delegates[Name];
      readonly then: NoInfer<Stages | (keyof Delegates & string)>;
    };
  };
  /** By name: each answers where to go on. */
  readonly stages: {
    readonly [Stage in Stages]: (
      session: FormSession<Fields, NoInfer<Delegates>>,
      io: StageIo<FormStages<NoInfer<Stages | (keyof Delegates & string)>>>,
    ) => Promise<NextStage<NoInfer<Stages | (keyof Delegates & string)>> | Done>;
  };
  /** Of the stages that need other than the defaults. */
  readonly settings?: { readonly [Stage in NoInfer<Stages>]?: StageSettings };
  /** Guards of fields: a snapshot with a value that one refuses is neither taken nor accepted. */
  readonly validate?: { readonly [Field in keyof Fields]?: StandardSchemaV1 };
  /** By version: makes the snapshot of the next newer one. */
  readonly upgrades?: Readonly<Record<number, UpgradeFunction>>;
  /** Cleans up at the member that the connection has left. */
  readonly moved?: (session: FormSession<Fields, NoInfer<Delegates>>, departure: Departure) => void | Promise<void>;
  /** A stage has thrown: says so to the client as the protocol asks. The connection is then ended, without it reset. */
  readonly failed?: (
    session: FormSession<Fields, NoInfer<Delegates>>,
    io: StageIo,
    error: unknown,
  ) => void | Promise<void>;
}

/**
 * Declares a service without decorators. Never throws: `compile` says what is wrong.
 *
 * @public
 */
export function defineService<
  Fields extends object,
  Stages extends string,
  Delegates extends DelegateSources<Delegates> = object,
>(form: ServiceForm<Fields, Stages, Delegates>): ServiceDefinition<FormSession<Fields, Delegates>> {
  const settings: Readonly<Record<string, StageSettings | undefined>> = form.settings ?? {};
  const validate: Readonly<Record<string, StandardSchemaV1 | undefined>> = form.validate ?? {};
  const delegates: readonly [string, { service: ServiceSource; then: string }][] = Object.entries(form.delegates ?? {});
  return {
    kind: 'service-definition',
    identity: { kind: 'declared', name: form.name, version: form.version },
    stages: Object.entries<unknown>(form.stages).map(([name, run]) => ({
      name,
      placement: typeof run === 'function' ? 'as-intended' : 'a field',
      settings: settings[name] ?? {},
    })),
    entries: [form.entry],
    fields: () =>
      Object.entries(form.fields() as Readonly<Record<string, unknown>>).map(([name, value]) => ({
        name,
        placement: 'as-intended',
        type: constructorOf(value),
        ...(validate[name] === undefined ? {} : { validate: validate[name] }),
      })),
    moved: form.moved === undefined ? [] : [{ name: 'moved', placement: 'as-intended' }],
    failed: form.failed === undefined ? [] : [{ name: 'failed', placement: 'as-intended' }],
    delegates: delegates.map(([name, { service, then }]) => ({
      name,
      placement: 'as-intended',
      then,
      definition: () => (typeof service === 'function' ? definitionOf(service) : service),
    })),
    upgrades: Object.entries(form.upgrades ?? {}).map(([from, upgrade]) => ({
      name: `upgrades.${from}`,
      placement: 'as-intended',
      from: Number(from),
      upgrade,
    })),
    construction: { kind: 'functions', parts: form },
  };
}

function constructorOf(value: unknown): FieldConstructor {
  if (value === undefined || value === null) return Object;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== 'object' || prototype === null || !('constructor' in prototype)) {
    return typeof value === 'function' ? Function : Object;
  }
  return typeof prototype.constructor === 'function' ? (prototype.constructor as unknown as FieldConstructor) : Object;
}
