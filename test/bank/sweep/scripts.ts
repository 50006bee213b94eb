// One transfer, as the messages in which different clients would send it.

import { CREDIT, DEBIT, literally, NOTE, READ_AND_LOCK, TRANSFER, type Phrase } from '../phrases.js';
import { bind, describePortal, execute, flush, parse, query, startup, sync } from './messages.js';

/** A message, and the types of the messages with which its answer is complete; empty where nothing has to come yet. */
export interface Step {
  readonly name: string;
  readonly bytes: Buffer;
  readonly answer: string;
}

export interface Script {
  readonly name: string;
  /** The first one opens the session. */
  readonly steps: readonly Step[];
}

export const SWEPT_TRANSFER = { id: 1, source: 1, target: 2, amount: 7, teller: 0 } as const;
const APPLICATION = 'sweep';

const { id, source, target, amount, teller } = SWEPT_TRANSFER;
const OPENING: Step = { name: 'StartupMessage', bytes: startup('postgres', 'postgres', APPLICATION), answer: 'Z' };

type Line = readonly [phrase: Phrase, values: readonly number[]];

const LOCKING: Line = [READ_AND_LOCK, [source, target]];
const LINES: readonly Line[] = [
  [{ name: 'begin', text: 'BEGIN' }, []],
  LOCKING,
  [DEBIT, [source, amount]],
  [CREDIT, [target, amount]],
  [NOTE, [id, source, target, amount, teller]],
  [{ name: 'commit', text: 'COMMIT' }, []],
];
const SHORT: readonly Line[] = LINES.filter((line) => line !== LOCKING);
const WHOLE: Line = [TRANSFER, [id, source, target, amount, teller]];

const text = ([phrase, values]: Line): string => literally(phrase, values);

function simple(lines: readonly Line[]): Step[] {
  return lines.map((line) => ({ name: `Query ${line[0].name}`, bytes: query(text(line)), answer: 'Z' }));
}

interface Manner {
  /** Waits for each answer, with Flush; or only for that of Sync; or for nothing until the end. */
  readonly waits: 'after each message' | 'after Sync' | 'at the end';
  readonly syncs: 'after each statement' | 'at the end';
  readonly statements: 'unnamed' | 'prepared before';
}

function extended(lines: readonly Line[], { waits, syncs, statements }: Manner): Step[] {
  const flushed = (bytes: Buffer): Buffer => (waits === 'after each message' ? Buffer.concat([bytes, flush()]) : bytes);
  const answer = (type: string): string => (waits === 'after each message' ? type : '');
  const statementOf = ([phrase]: Line): string => (statements === 'unnamed' ? '' : phrase.name);
  const parsing = (line: Line): Step => ({
    name: `Parse ${line[0].name}`,
    bytes: flushed(parse(statementOf(line), line[0].text)),
    answer: answer('1'),
  });
  const syncing = (name: string): Step => ({
    name: `Sync ${name}`,
    bytes: sync(),
    answer: waits === 'at the end' ? '' : 'Z',
  });
  const running = (line: Line): Step[] => [
    { name: `Bind ${line[0].name}`, bytes: flushed(bind(statementOf(line), line[1])), answer: answer('2') },
    {
      name: `Describe ${line[0].name}`,
      bytes: flushed(describePortal()),
      answer: answer(line === LOCKING ? 'T' : 'n'),
    },
    { name: `Execute ${line[0].name}`, bytes: flushed(execute()), answer: answer('C') },
    ...(syncs === 'at the end' ? [] : [syncing(line[0].name)]),
  ];
  const before = statements === 'unnamed' ? [] : [...lines.map(parsing), syncing('statements')];
  const steps = [
    ...before,
    ...lines.flatMap((line) => [...(statements === 'unnamed' ? [parsing(line)] : []), ...running(line)]),
    ...(syncs === 'at the end' ? [syncing('all')] : []),
  ];
  if (waits !== 'at the end') return steps;
  const syncCount = steps.filter(({ name }) => name.startsWith('Sync')).length;
  return steps.map((step, index) => (index === steps.length - 1 ? { ...step, answer: 'Z'.repeat(syncCount) } : step));
}

const script = (name: string, steps: readonly Step[]): Script => ({ name, steps: [OPENING, ...steps] });

export const SCRIPTS: readonly Script[] = [
  script('simple', simple(LINES)),
  script('simple, one message', [{ name: 'Query', bytes: query(SHORT.map(text).join('; ')), answer: 'Z' }]),
  script('simple, one message without BEGIN', [
    { name: 'Query', bytes: query(SHORT.slice(1, -1).map(text).join('; ')), answer: 'Z' },
  ]),
  script('simple, pipelined', [
    ...simple(LINES).map((step, index) => ({
      ...step,
      answer: index === LINES.length - 1 ? 'Z'.repeat(LINES.length) : '',
    })),
  ]),
  script('one statement, simple', simple([WHOLE])),
  script('extended', extended(LINES, { waits: 'after Sync', syncs: 'after each statement', statements: 'unnamed' })),
  script(
    'extended, flushed',
    extended(LINES, { waits: 'after each message', syncs: 'after each statement', statements: 'unnamed' }),
  ),
  script(
    'extended, prepared before',
    extended(LINES, { waits: 'after Sync', syncs: 'after each statement', statements: 'prepared before' }),
  ),
  script('pipelined', extended(SHORT, { waits: 'at the end', syncs: 'after each statement', statements: 'unnamed' })),
  script('pipelined, one Sync', extended(SHORT, { waits: 'at the end', syncs: 'at the end', statements: 'unnamed' })),
  script(
    'pipelined, one Sync, without BEGIN',
    extended(SHORT.slice(1, -1), { waits: 'at the end', syncs: 'at the end', statements: 'unnamed' }),
  ),
  script(
    'pipelined, prepared before',
    extended(SHORT, { waits: 'at the end', syncs: 'after each statement', statements: 'prepared before' }),
  ),
  script(
    'one statement, extended',
    extended([WHOLE], { waits: 'after Sync', syncs: 'after each statement', statements: 'unnamed' }),
  ),
];
