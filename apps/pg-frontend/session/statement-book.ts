// The prepared statements and portals of a session, as the database has them, with what is known of their texts.
//
// Only the extended protocol's own: those that SQL's PREPARE makes are asked for (`inspection.ts`). Text is read byte by byte
// (latin1), so that no encoding of the client's is changed on the way; the words of SQL are ASCII.

import { LIMITS } from '../limits.js';
import { bodyOf, readParameter } from '../wire/backend-messages.js';
import { isNamedParse } from '../wire/frontend-messages.js';
import { classifyQuery, type QueryClass } from '../sql/classify.js';
import { customParametersOf } from '../sql/custom-parameters.js';
import type { StandardConformingStrings } from '../sql/lexer.js';

export interface KnownStatement {
  /** The whole Parse message. */
  readonly parse: Buffer;
  readonly query: QueryClass;
}

/** Bytes that one takes here besides its text, roughly. */
const OVERHEAD_LENGTH = 1024;
const NONE: Buffer = Buffer.alloc(0);
const BACKSLASH_ENCODINGS = /^(?:SJIS|SHIFT_JIS_2004|BIG5|GBK|GB18030|UHC|JOHAB)$/i;

/** Of what could not be read: the database will say so. */
export const UNCLEAR: QueryClass = {
  statementCount: 1,
  commits: 'unclear',
  rollsBack: 'among-others',
  begins: true,
  touches: new Set(['parameters', 'role', 'prepared', 'channels', 'temporary', 'advisory-locks', 'held-cursors']),
};

export class StatementBook {
  readonly statements = new Map<string, KnownStatement>();
  readonly portals = new Map<string, QueryClass>();
  /** By ParameterStatus. */
  readonly #reported: Map<string, string>;
  /** Parameters of the client's own that texts have named. */
  readonly customParameters = new Set<string>();
  /** A text has set some whose names are not known. */
  hasUnknownParameters = false;
  /** Bytes that the named ones take. */
  #namedLength = 0;
  /** Counts the changes of named statements and of what has been reported. */
  #changeCount = 0;

  constructor(reported: Map<string, string>) {
    this.#reported = reported;
  }

  classify(text: string | undefined): QueryClass {
    if (text === undefined) return UNCLEAR;
    const strings = this.#reported.get('standard_conforming_strings') === 'off' ? 'off' : 'on';
    // In some encodings a second byte looks like a backslash: then no constant's end is certain.
    const isDoubtful = BACKSLASH_ENCODINGS.test(this.#reported.get('client_encoding') ?? '') && text.includes('\\');
    if (isDoubtful) return UNCLEAR;
    const query = classifyQuery(text, strings);
    if (query.touches.has('parameters')) this.#noteCustomParameters(text, strings);
    return query;
  }

  #noteCustomParameters(text: string, strings: StandardConformingStrings): void {
    const { names, others } = customParametersOf(text, strings);
    for (const name of names) this.customParameters.add(name);
    if (others === 'possible') this.hasUnknownParameters = true;
  }

  /** DEALLOCATE takes what the protocol has prepared, too: only these are left. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.statements.keys()) if (name !== '' && !names.has(name)) this.remove(name);
  }

  /** A ParameterStatus has come. */
  note(name: string, value: string): void {
    if (this.#reported.get(name) === value) return;
    this.#reported.set(name, value);
    this.#changeCount++;
  }

  /** Keeps a copy of the Parse message, or all that came with it would be kept as well. */
  add(name: string, { parse, query }: KnownStatement): void {
    this.remove(name);
    this.statements.set(name, { parse: name === '' ? parse : copyOf(parse), query });
    if (name === '') return;
    this.#namedLength += lengthOf(parse);
    this.#changeCount++;
  }

  remove(name: string): void {
    const statement = this.statements.get(name);
    if (statement === undefined) return;
    this.statements.delete(name);
    if (name === '') return;
    this.#namedLength -= lengthOf(statement.parse);
    this.#changeCount++;
  }

  /** Whether there is no room for what these messages prepare. */
  refuses(messages: readonly Buffer[]): boolean {
    return this.#namedLength > LIMITS.preparedLength && messages.some(isNamedParse);
  }

  /** Whether there are more than can travel: then nobody lists them, each time, for nothing. */
  get isTooMuchToTravel(): boolean {
    const count = this.statements.size - (this.statements.has('') ? 1 : 0);
    return count > LIMITS.preparedStatementCount || this.#namedLength - OVERHEAD_LENGTH * count > LIMITS.sessionLength;
  }

  /** The Parse message of the unnamed one, where there is one that travels. */
  get unnamed(): Buffer {
    const parse = this.statements.get('')?.parse ?? NONE;
    return parse.length <= LIMITS.unnamedLength ? parse : NONE;
  }

  /** A ParameterStatus. */
  noteParameter(whole: Buffer): void {
    const parameter = readParameter(bodyOf(whole));
    if (parameter !== undefined) this.note(parameter.name, parameter.value);
  }

  /** The Parse messages of the named ones. */
  named(): Buffer[] {
    return [...this.statements].flatMap(([name, { parse }]) => (name === '' ? [] : [parse]));
  }

  get hasChanged(): boolean {
    return this.#changeCount > 0;
  }

  /** Whether something has changed since it was asked last. */
  takeChange(): boolean {
    const hasChanged = this.#changeCount > 0;
    this.#changeCount = 0;
    return hasChanged;
  }

  /** DISCARD ALL or DEALLOCATE ALL: all that have names. */
  removeAll(): void {
    for (const name of this.statements.keys()) if (name !== '') this.remove(name);
  }
}

function lengthOf(parse: Buffer): number {
  return OVERHEAD_LENGTH + parse.length;
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
