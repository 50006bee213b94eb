// All suites of the campaign, in the order in which they run.

import { nodePostgresSuite } from '../apps/pg-frontend/clients/node-postgres-suite.js';
import { postgresJsSuite } from '../apps/pg-frontend/clients/postgres-js-suite.js';
import type { ClientSuite } from '../apps/pg-frontend/clients/suite.js';
import { pgbenchSuite } from './pgbench-suite.js';
import { jdbcSuite, psycopg2Suite } from './program-suites.js';
import { psqlSuite } from './psql-suite.js';

export const SUITES: readonly ClientSuite[] = [
  nodePostgresSuite,
  postgresJsSuite,
  psqlSuite,
  pgbenchSuite,
  psycopg2Suite,
  jdbcSuite,
];
