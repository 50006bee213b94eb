// A class as texts: what it and each of its base classes say of themselves, and of the methods that really run.
//
// A method's text is taken from the function that is in place now, not from the class: a decorator may have wrapped it.

export interface ClassSource {
  /** Of the whole class. */
  readonly text: string;
  /** By name; '' for what is no function. */
  readonly methods: ReadonlyMap<string, string>;
}

/** The class itself first, then its base classes, without `Object`. */
export function classSourcesOf(type: object): readonly ClassSource[] {
  if (typeof type !== 'function' || type === Function.prototype || type === Object) return [];
  const prototype: unknown = type.prototype;
  const methods = new Map<string, string>();
  if (typeof prototype === 'object' && prototype !== null) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name !== 'constructor') methods.set(name, textOf(value));
    }
  }
  return [{ text: textOf(type), methods }, ...classSourcesOf(Object.getPrototypeOf(type) as object)];
}

export function textOf(value: unknown): string {
  return typeof value === 'function' ? Function.prototype.toString.call(value) : '';
}
