// A session of a toy PostgreSQL: the protocol's rules for one client (when an answer comes, what an error skips, what a
// status is), for the little SQL of `toy-statements.ts`.
//
//   T1. Each message is dealt with whole, in order; what it answers is there at once.
//   T2. In the extended protocol an error skips everything up to the Sync, a Query too.
//   T3. While the client's COPY runs, Sync and Flush are passed over; after its error the rest of the copy is.

import { errorResponse, readyForQuery } from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import {
  extentOf,
  readBind,
  readExecute,
  readNamed,
  readParse,
  readQuery,
} from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { BACKEND, FRONTEND, message, type TransactionStatus } from '@migratory/pg-frontend/internal/wire/message.js';
import { type ToyStatements, ToyError, type ToyAnswer } from './toy-statements.js';

const NO_PARAMETERS = Buffer.of(0, 0);

export class ToySession {
  readonly #statements: ToyStatements;
  readonly #prepared = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #input: Buffer = Buffer.alloc(0);
  #output: Buffer[] = [];
  #protocol: 'asking' | 'skipping' | 'copying' | 'ended' = 'asking';
  /** In which protocol the COPY was asked for. */
  #copyIn: 'simple' | 'extended' = 'simple';
  #copied: number[] = [];
  #messageCount = 0;

  constructor(statements: ToyStatements) {
    this.#statements = statements;
    statements.listPrepared = () => [...this.#prepared.keys()].filter((name) => name !== '');
  }

  /** Whole messages so far. */
  get messageCount(): number {
    return this.#messageCount;
  }

  get status(): TransactionStatus {
    return this.#statements.status;
  }

  /** Takes bytes of the client. Answers whether there is a whole message to deal with. */
  isNextWhole(bytes: Buffer): boolean {
    this.#input = bytes.length === 0 ? this.#input : Buffer.concat([this.#input, bytes]);
    const extent = extentOf(this.#input, 0);
    if (extent.kind === 'malformed') throw new TypeError(`the front-end has written: ${extent.message}`);
    return extent.kind === 'whole';
  }

  /** Deals with the next message, where it is whole. */
  deal(): void {
    const extent = extentOf(this.#input, 0);
    if (this.#protocol === 'ended' || extent.kind !== 'whole') return;
    const whole = this.#input.subarray(0, extent.length);
    this.#input = this.#input.subarray(extent.length);
    this.#messageCount++;
    this.#read(whole);
  }

  take(): Buffer {
    const output = Buffer.concat(this.#output);
    this.#output = [];
    return output;
  }

  /** The client is gone, or the session is lost. */
  end(): void {
    this.#protocol = 'ended';
    this.#statements.end();
  }

  #read(whole: Buffer): void {
    const type = whole[0];
    if (type === FRONTEND.terminate) return this.end();
    if (this.#protocol === 'copying') return this.#readCopy(whole);
    if (this.#protocol === 'skipping' && type !== FRONTEND.sync) return; // T2
    if (type === FRONTEND.query) return this.#query(readQuery(whole) ?? '');
    if (type === FRONTEND.functionCall) return this.#call();
    if (type === FRONTEND.sync) return this.#sync();
    try {
      this.#readExtended(whole);
    } catch (error) {
      this.#complain(error, 'extended');
    }
  }

  #readExtended(whole: Buffer): void {
    switch (whole[0]) {
      case FRONTEND.parse: {
        const { name, text } = readParse(whole) ?? { name: '', text: '' };
        if (name !== '' && this.#prepared.has(name)) throw new ToyError('42P05', 'it exists already');
        this.#statements.check(text);
        this.#prepared.set(name, text);
        return this.#say(message(BACKEND.parseComplete));
      }
      case FRONTEND.bind: {
        const { portal, statement } = readBind(whole) ?? { portal: '', statement: '' };
        this.#portals.set(portal, this.#textOf(statement));
        return this.#say(message(BACKEND.bindComplete));
      }
      case FRONTEND.describe: {
        const { kind, name } = readNamed(whole) ?? { kind: 'portal', name: '' };
        const text = kind === 'statement' ? this.#textOf(name) : (this.#portals.get(name) ?? '');
        if (kind === 'statement') this.#say(message(BACKEND.parameterDescription, NO_PARAMETERS));
        return this.#say(this.#statements.describe(text));
      }
      case FRONTEND.close: {
        const { kind, name } = readNamed(whole) ?? { kind: 'portal', name: '' };
        (kind === 'statement' ? this.#prepared : this.#portals).delete(name);
        return this.#say(message(BACKEND.closeComplete));
      }
      case FRONTEND.execute: {
        const text = this.#portals.get(readExecute(whole) ?? '');
        if (text === undefined) throw new ToyError('34000', 'there is no such portal');
        const answer = this.#statements.run(text);
        return this.#answer(answer, 'extended');
      }
      default:
        return;
    }
  }

  #textOf(statement: string): string {
    const text = this.#prepared.get(statement);
    if (text === undefined) throw new ToyError('26000', `there is no prepared statement "${statement}"`);
    return text;
  }

  #query(text: string): void {
    this.#prepared.delete('');
    try {
      const statements = text.split(';').filter((each) => each.trim() !== '');
      if (statements.length === 0) this.#say(message(BACKEND.emptyQueryResponse));
      for (const statement of statements) {
        this.#say(this.#statements.describe(statement, 'rows-only'));
        this.#answer(this.#statements.run(statement), 'simple');
        if (this.#protocol === 'copying') return;
      }
      this.#sync();
    } catch (error) {
      this.#complain(error, 'simple');
    }
  }

  /** There is one function. */
  #call(): void {
    try {
      this.#say(this.#statements.callForId());
      this.#sync();
    } catch (error) {
      this.#complain(error, 'simple');
    }
  }

  #answer(answer: ToyAnswer, protocol: 'simple' | 'extended'): void {
    this.#say(answer.bytes);
    if (answer.kind === 'done') return;
    this.#protocol = 'copying';
    this.#copyIn = protocol;
    this.#copied = [];
  }

  /** T3. */
  #readCopy(whole: Buffer): void {
    switch (whole[0]) {
      case FRONTEND.copyData:
        this.#copied.push(Number(whole.toString('latin1', 5)));
        return;
      case FRONTEND.copyDone:
        this.#protocol = 'asking';
        this.#say(this.#statements.copy(this.#copied));
        return this.#copyIn === 'simple' ? this.#sync() : undefined;
      case FRONTEND.flush:
      case FRONTEND.sync:
        return;
      default:
        this.#protocol = 'asking';
        return this.#complain(new ToyError('57014', 'the copy was given up'), this.#copyIn);
    }
  }

  #sync(): void {
    this.#protocol = 'asking';
    this.#statements.endSequence();
    if (this.status === 'I') this.#portals.clear();
    this.#say(readyForQuery(this.status));
  }

  #complain(error: unknown, protocol: 'simple' | 'extended'): void {
    if (!(error instanceof ToyError)) throw error;
    this.#statements.fail();
    this.#say(errorResponse({ severity: 'ERROR', code: error.code, message: error.message }));
    if (protocol === 'simple') this.#sync();
    else this.#protocol = 'skipping';
  }

  #say(bytes: Buffer): void {
    if (bytes.length > 0) this.#output.push(bytes);
  }
}
