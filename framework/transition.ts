// Where a stage goes next: another stage, or the end of the connection.
//
// `Next<Service>` admits only the names of the service's public stage methods, so that a misspelt stage doesn't compile.
// The types are interfaces, not expanded aliases: a method's own return type refers to the class that it is part of.

/** The shape of every transition; what the runtime works with. */
export type Transition = StageTransition | Done;

export interface StageTransition {
  readonly kind: 'next';
  readonly stage: string;
}

/** The service has finished with the connection. */
export interface Done {
  readonly kind: 'done';
}

type StageMethod = (io: never) => Promise<{ readonly kind: 'next' | 'done' }>;

type MethodName<Service> = {
  [Name in keyof Service]: Service[Name] extends StageMethod ? Name : never;
}[keyof Service];

/** The fields that hold a sub-protocol: an object with stages of its own (`@Delegate`). */
type DelegateName<Service> = {
  [Name in keyof Service]: [MethodName<Service[Name]>] extends [never] ? never : Name;
}[keyof Service];

/** What `next` may name: the methods of `Service` that return a transition, and its delegates. */
export type StageName<Service> = (MethodName<Service> | DelegateName<Service>) & string;

export interface NextStage<Name extends string> {
  readonly kind: 'next';
  readonly stage: Name;
}

interface NextStageOf<Service> {
  readonly kind: 'next';
  readonly stage: StageName<Service>;
}

/** What a stage of `Service` returns: `async body(io: StageIo): Promise<Next<FileSession>>`. */
export type Next<Service> = NextStageOf<Service> | Done;

const DONE: Done = Object.freeze({ kind: 'done' });

/** Goes to another stage of the same service; entering it is a restart point. */
export function next<Name extends string>(stage: Name): NextStage<Name> {
  return { kind: 'next', stage };
}

/** Ends the stream in order, once all output has been sent. */
export function done(): Done {
  return DONE;
}

/** Whether a value that came out of a stage is a transition at all; a stage in plain JavaScript may return anything. */
export function isTransition(value: unknown): value is Transition {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  if (value.kind === 'done') return true;
  return value.kind === 'next' && 'stage' in value && typeof value.stage === 'string';
}
