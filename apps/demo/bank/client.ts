// A client of PostgreSQL as the bank needs it: one statement after the other, each with its answer.

import { DemoFailed } from '../failure.js';
import { ANSWER_MS } from './config.js';

export type Reply =
  /** The command tag: "UPDATE 1". */
  | { readonly kind: 'done'; readonly tag: string }
  /** Five characters, as in the SQL standard. */
  | { readonly kind: 'failed'; readonly sqlState: string };

export interface SqlClient {
  /** One statement, without a semicolon. Rejects with `DemoFailed` where the session is lost. */
  execute(statement: string): Promise<Reply>;
  /** Ends the session in order. Rejects with `DemoFailed` where that was not possible. */
  close(): Promise<void>;
}

/** The other end, as clients name it. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Rejects with `DemoFailed` where it takes too long: a session that hangs must not look like one that goes on. */
export async function answerInTime<Answer>(name: string, answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DemoFailed(`${name} had no answer for ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
