// A command as the scripts for shells see it.

/** What a value may be. */
export type Values =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'files' | 'folders' }
  /** Anything: nothing can be offered. */
  | { readonly kind: 'free' };

export interface CompletedOption {
  /** "--port", and "-p" where it has a short form. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly value: Values | undefined;
}

/** A command as the scripts see it. */
export interface CompletedCommand {
  /** The words that lead to it: "migratory keys member". */
  readonly path: string;
  readonly description: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  readonly argument: Values | undefined;
}
