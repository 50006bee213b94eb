// The client programs that are not part of this project, and where they come from.

import type { NeededProgram } from '../apps/pg-frontend/clients/suite.js';

const DEBIAN = 'on Debian: apt-get install';

export const PSQL: NeededProgram = {
  command: 'psql',
  probe: ['--version'],
  remedy: `${DEBIAN} postgresql-client`,
};
export const PGBENCH: NeededProgram = {
  command: 'pgbench',
  probe: ['--version'],
  remedy: `${DEBIAN} postgresql-contrib (or postgresql-15, whose pgbench has to be in PATH)`,
};
/** The system's own Python, which sees the system's packages. */
export const PSYCOPG2: NeededProgram = {
  command: '/usr/bin/python3',
  probe: ['-c', 'import psycopg2'],
  remedy: `${DEBIAN} python3 python3-psycopg2`,
};
const JDBC_ARCHIVE = '/usr/share/java/postgresql.jar';
export const JDBC_CLASS_PATH = ['-cp', JDBC_ARCHIVE];
export const JAVA: NeededProgram = {
  command: 'java',
  probe: ['-version'],
  remedy: `${DEBIAN} default-jdk-headless`,
};
export const JDBC: NeededProgram = {
  command: 'test',
  probe: ['-f', JDBC_ARCHIVE],
  remedy: `${DEBIAN} libpostgresql-jdbc-java`,
};
