// What a user asked for, as data: one kind for each command.

import type { MetricsAddress } from '../metrics/metrics-address.js';

export interface NewOptions {
  readonly directory?: string;
}

export interface RunOptions {
  readonly export?: string;
  /** Of the plain TCP port. */
  readonly port?: number;
  readonly members?: number;
  readonly moveEvery?: number;
  readonly config?: string;
  readonly drainMs?: number;
  readonly metrics?: MetricsAddress;
}

export interface ExplainOptions {
  readonly export?: string;
  readonly format: 'text' | 'mermaid' | 'dot' | 'svg';
  readonly output?: string;
}

export interface KeysOptions {
  readonly output: string;
  readonly force?: true;
}

export interface MemberKeysOptions extends KeysOptions {
  readonly id: number;
  readonly authority: string;
  readonly days: number;
}

export interface DoctorOptions {
  readonly json?: true;
  readonly port?: number;
  readonly config?: string;
}

export type CompletionShell = 'bash' | 'zsh' | 'fish';

export type Invocation =
  | { readonly kind: 'new'; readonly name: string; readonly options: NewOptions }
  | { readonly kind: 'run'; readonly file: string; readonly options: RunOptions }
  | { readonly kind: 'explain'; readonly file: string; readonly options: ExplainOptions }
  | { readonly kind: 'keys-service'; readonly options: KeysOptions }
  | { readonly kind: 'keys-authority'; readonly options: KeysOptions & { readonly days: number } }
  | { readonly kind: 'keys-member'; readonly options: MemberKeysOptions }
  | { readonly kind: 'doctor'; readonly options: DoctorOptions }
  | { readonly kind: 'completions'; readonly shell: CompletionShell };
