// Explaining plans: as the calls of the slides, and as diagrams.

import test from 'ava';
import {
  compile,
  defineService,
  Delegate,
  done,
  explain,
  Failed,
  Moved,
  next,
  Service,
  Snapshot,
  Stage,
  stageDiagram,
  stageGraph,
  type Next,
  type StageIo,
  type StagePlan,
} from '@migratory/framework';
import { calculator, FileSession } from '../support/framework-services.js';

interface Database {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
}

/** The slides' third example: results are recorded under the lock, before the commit. */
@Service({ name: 'transaction', version: 2 })
class Transaction {
  @Snapshot() parameters: string = '';
  @Snapshot() results: string = '';
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  @Stage({ entry: true }) async request(io: StageIo<Transaction>): Promise<Next<Transaction>> {
    const line = await io.readUntil('\n', { maxLength: 64 });
    if (line === undefined) return done();
    this.parameters = new TextDecoder().decode(line);
    return next('begin');
  }
  @Stage({ lock: true, output: 'held', timeoutMs: 5_000 })
  async begin(io: StageIo<Transaction>): Promise<Next<Transaction>> {
    await this.#database.begin();
    this.results = this.parameters;
    io.snapshot({ stage: 'committed' });
    await this.#database.commit();
    return next('committed');
  }
  @Stage() async committed(io: StageIo<Transaction>): Promise<Next<Transaction>> {
    await io.write(`${this.results}\n`);
    return next('request');
  }
  @Moved() rollBack(): Promise<void> {
    return this.#database.rollBack();
  }
  @Failed() async sorry(io: StageIo): Promise<void> {
    await io.write('failed\n');
  }
}

test("the slides' third example, in calls", (t) => {
  const plan = compile(Transaction);
  t.deepEqual(explain(plan).split('\n'), [
    `// transaction, version 2, plan ${plan.fingerprint}`,
    '// fields:',
    '//   parameters: string',
    '//   results: string',
    '// In the code of a stage, io.snapshot() is set_state(s, that stage, fields).',
    '',
    's = accept(ssock)',
    'kind = get_state(s, &state)                     // probe the connection',
    'if (kind == NEW_CONN) {',
    '  goto request                                  // the entry',
    '} else if (kind == MIGRATED_CONN) {',
    '  if (state is not of version 2 and this plan) refuse // the connection stays where it was',
    '  fields = state.fields',
    '  switch (state.stage) {                        // the restart point is there: its set_state is left out',
    '  case "request":   goto request',
    '  case "begin":     goto begin',
    '  case "committed": goto committed',
    '  case FINISHED:    goto finished',
    '  }',
    '}',
    '',
    'request:',
    '  set_state(s, "request", { parameters, results }) // restart point',
    '  set_output_mode(s, LIVE)',
    '  next = request(io)                            // status == CONN_STILL_HERE, or goto moved',
    '  goto begin | finished',
    '',
    'begin:',
    '  status = lock_state(s)',
    '  if (status == CONN_MIGRATED) goto moved',
    '  set_state(s, "begin", { parameters, results }) // restart point',
    '  set_output_mode(s, HELD)                      // what is written waits for the next set_state',
    '  set_timeout(s, 5000 ms)                       // from one restart point to the next; then failed',
    '  next = begin(io)                              // status == CONN_STILL_HERE, or goto moved',
    '    set_state(s, "committed", { parameters, results }) // io.snapshot({ stage })',
    '  unlock_state(s)                               // behind the set_state of what comes next',
    '  goto committed',
    '',
    'committed:',
    '  set_state(s, "committed", { parameters, results }) // restart point',
    '  set_output_mode(s, LIVE)',
    '  next = committed(io)                          // status == CONN_STILL_HERE, or goto moved',
    '  goto request',
    '',
    'finished:',
    '  set_state(s, FINISHED)                        // a move from here on runs no stage',
    '  close(s)                                      // in order: once the client has all output',
    '',
    'moved:                                          // CONN_MIGRATED, from whatever call on s',
    '  close what io.use() opened                    // last opened, first closed',
    '  rollBack()                                    // @Moved: roll back',
    '  close(s)',
    '',
    'failed:                                         // a stage has thrown, or taken too long',
    '  lock_state(s)',
    '  sorry(io, error)                              // @Failed: tell the client',
    '  set_state(s, FINISHED)',
    '  unlock_state(s)',
    '  close(s)',
    '',
  ]);
});

class Login {
  @Stage({ entry: true }) async user(): Promise<Next<Login>> {
    return Promise.resolve(next('password'));
  }
  @Stage({ output: 'verified' }) async password(): Promise<Next<Login>> {
    return Promise.resolve(done());
  }
}

@Service({ name: 'game', version: 1 })
class Game {
  @Delegate({ then: 'lobby' }) login!: Login;
  @Stage({ entry: true }) async begin(io: StageIo<Game>): Promise<Next<Game>> {
    io.snapshot({ stage: 'login' });
    return Promise.resolve(next('login'));
  }
  @Stage() async lobby(io: StageIo<Game>): Promise<Next<Game>> {
    await io.write('lobby');
    const choices = ['lobby', 'login'] as const;
    return next(choices.find((choice) => choice in this && io.epoch > 0) ?? 'lobby');
  }
}

/** Names that mean something to one of the languages, or can't be written in it. */
const awkward = defineService({
  name: 'awkward',
  version: 1,
  entry: 'end',
  fields: () => ({}),
  stages: {
    end: async () => Promise.resolve(next('a-b')),
    'a-b': async () => Promise.resolve(next('a_b')),
    a_b: async () => Promise.resolve(next('say "x"\\')),
    'say "x"\\': async () => Promise.resolve(next('[*]')),
    '[*]': async () => Promise.resolve(done()),
  },
});

const plans: readonly StagePlan[] = [Transaction, FileSession, calculator, Game, awkward].map((source) =>
  compile(source),
);

test('every stage has its place in the calls, and no jump leads nowhere', (t) => {
  for (const plan of plans) {
    const lines = explain(plan).split('\n');
    const labels = lines.flatMap((line) => /^([^/\s].*):(?: +\/\/.*)?$/.exec(line)?.[1] ?? []);
    t.deepEqual(labels.slice().sort(), [...plan.stages.map(({ name }) => name), 'failed', 'finished', 'moved'].sort());
    for (const line of lines) {
      const targets = /^ +(?:if .*|case .*)?goto (.*?)(?: +\/\/.*)?$/.exec(line)?.[1]?.split(' | ') ?? [];
      for (const target of targets) t.true([...labels, 'next'].includes(target), `${plan.service}: ${line}`);
    }
  }
});

test('ways that are not known are said to be unknown', (t) => {
  const plan = compile(Game);
  t.regex(explain(plan), /next = lobby\(io\).*\n {2}goto next +\/\/ unknown/);
  t.regex(stageDiagram(plan), /note right of stage_lobby\n {4}goes on where its code says\n/);
  t.regex(stageGraph(plan), /"stage lobby" \[label="lobby\\ngoes on where its code says"\]/);
});

test('what a service lacks is not in its calls', (t) => {
  const text = explain(compile(FileSession));
  t.notRegex(text, /lock_state|set_output_mode|set_timeout|@Moved|@Failed|upgrade/);
  t.regex(text, /failed: .*\n {2}reset\(s\)\n$/);
});

test('upgrades and validated fields are said', (t) => {
  const finish = async () => Promise.resolve(done());
  const plan = compile(
    defineService({
      name: 'newer',
      version: 3,
      entry: 'a',
      fields: () => ({ port: 80 }),
      validate: { port: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } } },
      upgrades: { 2: (old) => old, 1: (old) => old },
      stages: { a: finish },
    }),
  );
  const text = explain(plan);
  t.regex(text, /upgrade_from_1\(state\)\n.*upgrade_from_2\(state\)\n.*not of version 3/);
  t.regex(text, /port: number, validated/);
});

test('a delegate is a box: ways lead into it, and from it to what follows', (t) => {
  const text = stageDiagram(compile(Game));
  const box = /state "login" as delegate_login \{\n([\s\S]*?)\n {2}\}/.exec(text)?.[1] ?? '';
  t.deepEqual(
    box.split('\n').map((line) => line.trim()),
    [
      'state "user" as stage_login_user',
      'state "password" as stage_login_password',
      '[*] --> stage_login_user',
      'stage_login_user --> stage_login_password',
      'stage_login_password --> [*]',
    ],
  );
  for (const way of [
    '[*] --> stage_begin',
    'stage_begin --> delegate_login',
    'stage_begin --> delegate_login : io.snapshot',
    'delegate_login --> stage_lobby',
  ])
    t.true(text.includes(`  ${way}\n`), way);
  t.regex(explain(compile(Game)), /login\.user: \/\/ next\('login'\) leads here; done\(\) leads to lobby\n/);
});

test('a diagram declares every name that it uses, once', (t) => {
  for (const plan of plans) {
    const text = stageDiagram(plan);
    t.true(text.startsWith('stateDiagram-v2\n'));
    const declared = [...text.matchAll(/^ *state ".*" as (\w+)(?: \{)?$/gm)].map((match) => match[1]);
    t.is(new Set(declared).size, plan.stages.length + plan.delegates.length, text);
    t.is(declared.length, new Set(declared).size);
    const used = [...text.matchAll(/(\S+) --> (\S+)/g)].flatMap((match) => [match[1], match[2]]);
    for (const name of used) t.true(name === '[*]' || declared.includes(name), name);
  }
});

test('a graph has a node for every stage, and an edge for every way', (t) => {
  for (const plan of plans) {
    const text = stageGraph(plan);
    const nodes = [...text.matchAll(/^ *("stage (?:[^"\\]|\\.)*") \[label=/gm)].map((match) => match[1]);
    t.is(new Set(nodes).size, plan.stages.length, text);
    const edges = [...text.matchAll(/^ *("(?:[^"\\]|\\.)*") -> ("(?:[^"\\]|\\.)*")( \[style=dashed.*\])?$/gm)];
    const ways = plan.stages.map(({ successors: s, recorded }) =>
      s.kind === 'unknown' ? recorded.length : recorded.length + s.stages.length + (s.ends ? 1 : 0),
    );
    t.is(edges.length, 1 + ways.reduce((sum, count) => sum + count, 0), text);
    for (const [, from, to] of edges) t.true([...nodes, '"begin"', '"end"'].includes(from) && to !== undefined);
    t.is(edges.filter((edge) => edge[3] !== undefined).length, plan.stages.flatMap(({ recorded }) => recorded).length);
  }
});
