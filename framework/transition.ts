// Where a stage goes next: another stage, or the end of the connection.
//
// `Next<Service>` admits only the names of the service's public stage methods, so that a misspelt stage doesn't compile.
// The types are interfaces, not expanded aliases: a method's own return type refers to the class that it is part of.

/** The shape of every transition; what the runtime works with. */
export type Transition = StageTransition | Done;

/** To another stage of the service. */
export interface StageTransition {
  readonly kind: 'next';
  readonly stage: string;
}

/** The service has finished with the connection. */
export interface Done {
  readonly kind: 'done';
}

/** `Name` where `Member` is a method that answers a transition. By its return type: a generic method would fit any type. */
type IfStage<Name, Member> = Member extends (io: never) => infer Returned
  ? [Returned] extends [never]
    ? never
    : [Returned] extends [Promise<{ readonly kind: 'next' | 'done' }>]
      ? Name
      : never
  : never;

/** Keys are remapped, not mapped: a mapped array would be an array again, with methods of its own. */
type MethodName<Service> = keyof { [Name in keyof Service as IfStage<Name, Service[Name]>]: never };

type IfDelegate<Name, Member> = Member extends object ? ([MethodName<Member>] extends [never] ? never : Name) : never;

/** The fields that hold a sub-protocol: an object with stages of its own (`@Delegate`). */
type DelegateName<Service> = keyof { [Name in keyof Service as IfDelegate<Name, Service[Name]>]: never };

/** What `next` may name: the methods of `Service` that return a transition, and its delegates. */
export type StageName<Service> = (MethodName<Service> | DelegateName<Service>) & string;

/** To the stage `Name`. */
export interface NextStage<Name extends string> {
  readonly kind: 'next';
  readonly stage: Name;
}

interface NextStageOf<Service> {
  readonly kind: 'next';
  readonly stage: [Service] extends [never] ? never : StageName<Service>;
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
