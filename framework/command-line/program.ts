// The command line as a tree: commands, options and their help. What a user typed becomes an `Invocation`, plain data.
//
// Nothing is done here, and nothing heavy is loaded, so that help and completions are quick.

import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { readMemberId, readMetricsAddress, readPort, readServiceName, wholeNumber } from './options.js';
import type {
  CompletionShell,
  DoctorOptions,
  ExplainOptions,
  Invocation,
  KeysOptions,
  MemberKeysOptions,
  NewOptions,
  RunOptions,
} from './invocation.js';

const MAX_DEVELOPMENT_MEMBERS = 16;
const SHORTEST_MOVE_INTERVAL_MS = 10;
const LONGEST_MOVE_INTERVAL_MS = 86_400_000;
const LONGEST_DRAIN_MS = 3_600_000;
const MAX_VALIDITY_DAYS = 36_500;
const AUTHORITY_DAYS = 3_650;
const MEMBER_DAYS = 365;
const SHELLS: readonly CompletionShell[] = ['bash', 'zsh', 'fish'];

type Tell = (invocation: Invocation) => void;

/** The whole tree; `tell` gets what was asked for once the tree has parsed it. */
export function commandLine(version: string, tell: Tell): Command {
  const program = new Command('migratory')
    .description('Services whose TCP connections move from one server to another: make, run, look at and check them.')
    .version(version, '-V, --version', 'the version of the framework')
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      examples(
        'migratory new greeter && cd greeter && npm install && npm run build && npm test',
        'migratory run dist/service.js --move-every 500',
        'migratory explain dist/service.js --format svg --output service.svg',
        'migratory doctor',
      ) + '\n\nExit status: 0 all is well, 1 something failed, 2 the command line is wrong, 128 + n ended by signal n.',
    );
  addNew(program, tell);
  addRun(program, tell);
  addExplain(program, tell);
  addKeys(program, tell);
  addDoctor(program, tell);
  addCompletions(program, tell);
  // After all commands are there: none takes more than it says, none ends the process.
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .allowExcessArguments(false)
      // The caller says it, in one line.
      .configureOutput({ outputError: () => undefined });
  }
  return program;
}

function addNew(program: Command, tell: Tell): void {
  program
    .command('new')
    .description('Make a folder with a service, its test and all that builds them.')
    .addArgument(
      new Argument('<name>', 'the name of the service: lower-case letters, digits, hyphens').argParser(readServiceName),
    )
    .option('-d, --directory <folder>', 'where it goes (default: a folder with its name)')
    .addHelpText('after', examples('migratory new greeter', 'migratory new greeter --directory services/greeter'))
    .action((name: string, options: NewOptions) => tell({ kind: 'new', name, options }));
}

function addRun(program: Command, tell: Tell): void {
  program
    .command('run')
    .summary('Run a service: for development, or as one member.')
    .description(
      'Run a service. Without --config: for development, with several members in this process and a plain TCP port for ' +
        'nc, curl or a browser. With --config: as one member of a service, until SIGTERM.',
    )
    .argument('<file>', 'the compiled JavaScript module with the service')
    .option('-e, --export <name>', 'which of its exports, where it has several services')
    .addOption(new Option('-p, --port <port>', 'the plain TCP port (default: one that is free)').argParser(readPort))
    .addOption(
      new Option('-m, --members <count>', 'how many members (default: 2)').argParser(
        wholeNumber(1, MAX_DEVELOPMENT_MEMBERS),
      ),
    )
    .addOption(
      new Option('--move-every <ms>', 'move every connection to the next member that often').argParser(
        wholeNumber(SHORTEST_MOVE_INTERVAL_MS, LONGEST_MOVE_INTERVAL_MS),
      ),
    )
    .option('-c, --config <file>', 'the description of one real member, JSON')
    .addOption(
      new Option('--drain-ms <ms>', 'with --config: how long connections may take to leave when it is stopped')
        .argParser(wholeNumber(0, LONGEST_DRAIN_MS))
        .default(undefined, '10000'),
    )
    .addOption(
      new Option(
        '--metrics <address>',
        'serve metrics for Prometheus there: a port of 127.0.0.1, or host:port',
      ).argParser(readMetricsAddress),
    )
    .addHelpText(
      'after',
      examples(
        'migratory run dist/service.js',
        'migratory run dist/service.js --port 4000 --members 3 --move-every 500',
        'migratory run dist/service.js --config member-1.json --metrics 9100',
      ) +
        '\n\nKeys on a terminal: m moves every connection to the next member, q quits.' +
        '\nThe module may export `container(): Container`, with what the constructor of the service asks for.',
    )
    .action((file: string, options: RunOptions) => tell({ kind: 'run', file, options }));
}

function addExplain(program: Command, tell: Tell): void {
  program
    .command('explain')
    .summary('Show what a service compiles into, or what a diagnostic means.')
    .description('Show what a service compiles into and how its stages follow each other; or what a diagnostic means.')
    .argument('<file>', 'the compiled JavaScript module with the service, or a code such as MIG005')
    .option('-e, --export <name>', 'which of its exports, where it has several services')
    .addOption(
      new Option('--format <format>', 'how the stages are drawn')
        .choices(['text', 'mermaid', 'dot', 'svg'])
        .default('text'),
    )
    .option('-o, --output <file>', 'write it there instead of to standard output')
    .addHelpText(
      'after',
      examples(
        'migratory explain dist/service.js',
        'migratory explain dist/service.js --format svg --output service.svg',
        'migratory explain MIG005',
      ),
    )
    .action((file: string, options: ExplainOptions) => tell({ kind: 'explain', file, options }));
}

function addKeys(program: Command, tell: Tell): void {
  const keys = program
    .command('keys')
    .description('Make the keys and certificates of a service and its members.')
    .addHelpText(
      'after',
      examples(
        'migratory keys service --output keys',
        'migratory keys authority --output keys',
        'migratory keys member --id 1 --authority keys --output keys',
      ) + '\n\nPrivate keys are readable by you alone and never printed. Nothing is overwritten without --force.',
    );
  // Called without one of its commands it says which there are.
  keys.action(() => keys.help({ error: true }));
  addKeysOptions(
    keys.command('service').description("Make the service's Ed25519 key: service.pem, service-public.pem."),
  ).action((options: KeysOptions) => tell({ kind: 'keys-service', options }));
  addKeysOptions(
    keys.command('authority').description("Make the members' authority: authority.pem, authority-key.pem."),
  )
    .addOption(daysOption(AUTHORITY_DAYS))
    .action((options: KeysOptions & { days: number }) => tell({ kind: 'keys-authority', options }));
  addKeysOptions(keys.command('member').description("Make a member's certificate: member-ID.pem, member-ID-key.pem."))
    .addOption(new Option('--id <number>', 'of the member').argParser(readMemberId).makeOptionMandatory())
    .addOption(new Option('--authority <folder>', 'with authority.pem and authority-key.pem').makeOptionMandatory())
    .addOption(daysOption(MEMBER_DAYS))
    .action((options: MemberKeysOptions) => tell({ kind: 'keys-member', options }));
}

function addKeysOptions(command: Command): Command {
  return command
    .option('-o, --output <folder>', 'where the files go', '.')
    .option('--force', 'replace files that exist');
}

function daysOption(days: number): Option {
  return new Option('--days <count>', 'for how long it is valid')
    .argParser(wholeNumber(1, MAX_VALIDITY_DAYS))
    .default(days);
}

function addDoctor(program: Command, tell: Tell): void {
  program
    .command('doctor')
    .summary('Check whether this machine can run a member.')
    .description(
      'Check whether this machine can run a member: ports, clocks, limits; with --config its keys and peers.',
    )
    .option('--json', 'as JSON')
    .addOption(new Option('-p, --port <port>', 'the UDP port that is wanted (default: any)').argParser(readPort))
    .option('-c, --config <file>', 'the description of one member, JSON')
    .addHelpText(
      'after',
      examples('migratory doctor', 'migratory doctor --port 7000', 'migratory doctor --config member-1.json'),
    )
    .action((options: DoctorOptions) => tell({ kind: 'doctor', options }));
}

function addCompletions(program: Command, tell: Tell): void {
  program
    .command('completions')
    .description('Print what makes a shell complete this command line.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'source <(migratory completions bash)',
        'migratory completions zsh > "${fpath[1]}/_migratory"',
        'migratory completions fish > ~/.config/fish/completions/migratory.fish',
      ),
    )
    .action((shell: string) => tell({ kind: 'completions', shell: readShell(shell) }));
}

function readShell(text: string): CompletionShell {
  const shell = SHELLS.find((name) => name === text);
  if (shell === undefined) throw new InvalidArgumentError(`It must be one of ${SHELLS.join(', ')}.`);
  return shell;
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** The command and all below it. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
