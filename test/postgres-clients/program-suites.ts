// Drivers of other languages: one program each that runs one case, named by its argument, and prints its transcript.

import { environmentOf, runProgram, transcriptOf } from '../apps/pg-frontend/clients/program.js';
import type { ClientCase, ClientSuite, NeededProgram } from '../apps/pg-frontend/clients/suite.js';
import { JAVA, JDBC, JDBC_CLASS_PATH, PSYCOPG2 } from './needed-programs.js';
import { scriptPath } from './scripts.js';

/** The cases as the program names them. */
const PSYCOPG2_CASES = [
  ...['values', 'transactions', 'isolation', 'server-side-cursors', 'copy', 'notices', 'notifications', 'cancel'],
  ...['autocommit', 'loop', 'unrepeatable'],
];
const JDBC_CASES = [
  ...['values', 'prepare-threshold', 'batch', 'fetch-size', 'savepoints', 'copy', 'isolation', 'notifications'],
  ...['cancel', 'metadata', 'generated-keys', 'simple-mode', 'unrepeatable'],
];

function suiteOf(
  name: string,
  needs: readonly NeededProgram[],
  command: readonly [string, ...string[]],
  caseNames: readonly string[],
): ClientSuite {
  const [program, ...args] = command;
  const cases = caseNames.map((caseName): ClientCase => ({
    name: caseName,
    run: async (target) => {
      const environment = { ...environmentOf(target), WAY: target.way };
      const ended = await runProgram(program, [...args, caseName], { environment });
      if (ended.status !== 0) throw new Error(`${name} ${caseName}: ${transcriptOf(ended)}`);
      return transcriptOf(ended);
    },
  }));
  return { name, needs, cases };
}

export const psycopg2Suite = suiteOf(
  'psycopg2',
  [PSYCOPG2],
  [PSYCOPG2.command, '-B', scriptPath('programs/psycopg2_cases.py')],
  PSYCOPG2_CASES,
);
export const jdbcSuite = suiteOf(
  'jdbc',
  [JAVA, JDBC],
  [JAVA.command, ...JDBC_CLASS_PATH, scriptPath('programs/JdbcCases.java')],
  JDBC_CASES,
);
