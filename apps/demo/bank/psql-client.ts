// A client that is psql itself, a process with one session, told its statements by a pipe.
//
// After each statement it is told to print a mark with the statement's SQLSTATE: what came before the mark is the answer.

import { createInterface } from 'node:readline';
import { DemoFailed } from '../failure.js';
import type { Conversation, Programs } from '../programs.js';
import type { Login, Reply, SqlClient } from './client.js';

const MARK = 'answered';
const SUCCESS = '00000';

/** "psql (PostgreSQL) 17.2", or undefined where it is not installed. */
export async function findPsql(programs: Programs): Promise<string | undefined> {
  const { stdout, ended } = programs.run('psql', ['--version']);
  let version = '';
  stdout.setEncoding('utf8').on('data', (text: string) => (version += text));
  return (await ended).status === 0 ? version.trim() : undefined;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class PsqlClient implements SqlClient {
  readonly #psql: Conversation;
  #tag = '';
  #waiting: Waiting | undefined;
  #lost: DemoFailed | undefined;

  constructor(name: string, programs: Programs, { host, port, user, database }: Login) {
    const where = ['--host', host, '--port', String(port), '--username', user, '--dbname', database];
    this.#psql = programs.converse('psql', ['--no-psqlrc', '--no-password', ...where], withoutPresets(process.env));
    createInterface({ input: this.#psql.stdout }).on('line', (line) => this.#take(line));
    void this.#psql.ended.then(({ status, complaint }) => {
      this.#lost = new DemoFailed(
        `${name}: psql ended with status ${status}${complaint === '' ? '' : `: ${complaint}`}`,
      );
      this.#waiting?.reject(this.#lost);
    });
  }

  execute(statement: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost);
      this.#waiting = { resolve, reject };
      this.#tag = '';
      this.#psql.stdin.write(`${statement};\n\\echo ${MARK} :SQLSTATE\n`);
    });
  }

  async close(): Promise<void> {
    this.#psql.stdin.end();
    const { status } = await this.#psql.ended;
    if (status !== 0) throw this.#lost ?? new DemoFailed(`psql ended with status ${status}`);
  }

  #take(line: string): void {
    const [word, sqlState = ''] = line.split(' ');
    if (word !== MARK) {
      if (line !== '') this.#tag = line;
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(sqlState === SUCCESS ? { kind: 'done', tag: this.#tag } : { kind: 'failed', sqlState });
  }
}

/** What the caller has set for psql's other uses (PGHOST, PGOPTIONS, ...) is no part of the show. */
function withoutPresets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PG')));
}
