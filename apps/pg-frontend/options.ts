// The command line: what can be said, and one clear line for what cannot be understood.

import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommitMode } from './session/session-services.js';
import { parseMetricsAddress, type MetricsAddress } from '@migratory/framework/metrics';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface CommandOptions {
  readonly config: string;
  readonly database: string;
  readonly users?: string;
  readonly commit: CommitMode;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly metrics?: MetricsAddress;
}

/** Throws commander's `CommanderError`, after the line or the help text was printed. */
export function parseOptions(args: readonly string[]): CommandOptions {
  return new Command('migratory-pg-frontend')
    .description(
      'Serves PostgreSQL clients, each by a session of its own at a database, on connections that move between the members of a service.',
    )
    .requiredOption('--config <file>', 'the description of this member, JSON')
    .requiredOption(
      '--database <url>',
      "where the database is, and the front-end's own login: postgres://user@host/name",
      readDatabaseUrl,
    )
    .option('--users <file>', 'who may log in, JSON; without it everybody is trusted to be who he says')
    .addOption(
      new Option('--commit <mode>', 'how transactions are committed: under the lock, or by PREPARE TRANSACTION first')
        .choices(['locked', 'two-phase'] satisfies CommitMode[])
        .default('locked'),
    )
    .addOption(new Option('--log-level <level>', 'debug tells of every session').choices(LOG_LEVELS).default('info'))
    .option('--metrics <address>', 'serve metrics there: a port of 127.0.0.1, or host:port', readMetricsAddress)
    .addHelpText(
      'after',
      '\nSIGTERM and SIGINT let the sessions go to the other members; a second one ends it at once. Logs are JSON lines.',
    )
    .showSuggestionAfterError(false)
    .exitOverride()
    .allowExcessArguments(false)
    .parse(args, { from: 'user' })
    .opts<CommandOptions>();
}

/** What is in the address is a secret, perhaps: it is not repeated. */
function readDatabaseUrl(text: string): string {
  if (!/^postgres(?:ql)?:\/\/[^/]/.test(text)) {
    throw new InvalidArgumentError('It must look like postgres://user@127.0.0.1:5432/name.');
  }
  return text;
}

function readMetricsAddress(text: string): MetricsAddress {
  const address = parseMetricsAddress(text);
  if (address === undefined) throw new InvalidArgumentError('It must look like 9100, 127.0.0.1:9100 or [::1]:9100.');
  return address;
}
