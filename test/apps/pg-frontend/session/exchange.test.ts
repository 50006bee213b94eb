// An exchange, fed with what a client asks and what a database answers, in whatever pieces: the same bytes are relayed, the
// same is known, and a repetition is told from anything else.

import test from 'ava';
import fc from 'fast-check';
import { Exchange, type Progress } from '@migratory/pg-frontend/internal/session/exchange.js';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { StatementBook } from '@migratory/pg-frontend/internal/session/statement-book.js';
import {
  commandComplete,
  errorResponse,
  parameterStatus,
  readyForQuery,
  type Complaint,
} from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import { FLUSH, query, SYNC } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { BACKEND, cString, int32, message } from '@migratory/pg-frontend/internal/wire/message.js';
import { bind, close, describe, execute, parse, told } from '../../../support/postgres/client-messages.js';

const PARSED = message(BACKEND.parseComplete);
const BOUND = message(BACKEND.bindComplete);
const CLOSED = message(BACKEND.closeComplete);
const NO_DATA = message(BACKEND.noData);
const ONE_COLUMN = message(BACKEND.rowDescription, Buffer.of(0, 0));
const NO_PARAMETERS = message(BACKEND.parameterDescription, Buffer.of(0, 0));
const NOTICE = message(BACKEND.noticeResponse, 'SNOTICE\0VNOTICE\0\0');
const NOTIFICATION = message(BACKEND.notificationResponse, int32(7), cString('channel'), cString(''));
const FAILURE: Complaint = { severity: 'ERROR', code: '22012', message: 'division by zero' };
const ERROR = errorResponse(FAILURE);
const FATAL = errorResponse({ severity: 'FATAL', code: '57P01', message: 'terminating connection' });
const OURS: Complaint = { severity: 'ERROR', code: '40001', message: 'could not be continued' };
const DONE = commandComplete('INSERT 0 1');
const row = (text: string): Buffer => message(BACKEND.dataRow, Buffer.of(0, 1), int32(text.length), text);

interface Script {
  readonly asked: readonly Buffer[];
  readonly answered: readonly Buffer[];
  readonly progress: Progress;
}

const EXTENDED = [parse('s', 'INSERT 1'), bind('p', 's'), describe('P', 'p'), execute('p')];

const scripts: Readonly<Record<string, Script>> = {
  'a simple Query': {
    asked: [query('SELECT')],
    answered: [ONE_COLUMN, row('1'), DONE, readyForQuery('I')],
    progress: 'ready',
  },
  'many statements, with notices and parameters between them': {
    asked: [query('INSERT 1; SET a = b')],
    answered: [
      NOTICE,
      DONE,
      parameterStatus('TimeZone', 'UTC'),
      NOTICE,
      commandComplete('SET'),
      NOTIFICATION,
      readyForQuery('T'),
    ],
    progress: 'ready',
  },
  'an empty Query': {
    asked: [query('')],
    answered: [message(BACKEND.emptyQueryResponse), readyForQuery('I')],
    progress: 'ready',
  },
  'an error in a simple Query': {
    asked: [query('INSERT 1; X')],
    answered: [DONE, ERROR, readyForQuery('E')],
    progress: 'ready',
  },
  'a sequence with a Sync': {
    asked: [...EXTENDED, close('P', 'p'), SYNC],
    answered: [PARSED, BOUND, NO_DATA, DONE, CLOSED, readyForQuery('I')],
    progress: 'ready',
  },
  'a sequence with a Flush': {
    asked: [...EXTENDED, describe('S', 's'), FLUSH],
    answered: [PARSED, BOUND, NOTICE, ONE_COLUMN, row('1'), message(BACKEND.portalSuspended), NO_PARAMETERS, NO_DATA],
    progress: 'quiet',
  },
  'an error in a sequence': {
    asked: [...EXTENDED, SYNC],
    answered: [PARSED, ERROR, readyForQuery('E')],
    progress: 'ready',
  },
  'an error before a Flush': { asked: [...EXTENDED, FLUSH], answered: [PARSED, BOUND, ERROR], progress: 'quiet' },
  'the data of a COPY to the client': {
    asked: [query('COPY t TO STDOUT')],
    answered: [
      message(BACKEND.copyOutResponse, Buffer.of(0, 0, 0)),
      message(BACKEND.copyData, 'some'),
      message(BACKEND.copyDone),
      commandComplete('COPY 1'),
      readyForQuery('I'),
    ],
    progress: 'ready',
  },
  'a COPY that waits for data': {
    asked: [query('COPY t FROM STDIN')],
    answered: [NOTICE, message(BACKEND.copyInResponse, Buffer.of(0, 0, 0))],
    progress: 'copying',
  },
  'a session that ends': { asked: [query('SELECT')], answered: [ONE_COLUMN, row('1'), FATAL], progress: 'lost' },
};

interface Seen {
  readonly relayed: string;
  readonly length: number;
  readonly digest: string;
  readonly tags: readonly string[];
  readonly status: string | undefined;
  readonly progress: Progress;
  readonly statements: readonly string[];
  readonly portals: readonly string[];
  readonly leftover: string;
  readonly isSkipping: boolean;
  readonly reported: readonly (readonly [string, string])[];
}

interface Fed {
  readonly exchange: Exchange;
  readonly book: StatementBook;
  readonly reported: Map<string, string>;
  readonly relayed: Buffer[];
}

function begin(asked: readonly Buffer[]): Fed {
  const reported = new Map<string, string>();
  const book = new StatementBook(reported);
  const exchange = new Exchange(book);
  for (const each of asked) exchange.ask(each);
  return { exchange, book, reported, relayed: [] };
}

function feed({ exchange, relayed }: Fed, pieces: readonly Buffer[]): void {
  for (const piece of pieces) {
    exchange.receive(piece);
    if (exchange.progress === 'large') exchange.passLargeMessages();
    relayed.push(...exchange.take());
  }
}

function seen({ exchange, book, reported, relayed }: Fed): Seen {
  const { length, digest } = exchange.given();
  const { tags, status, progress, leftover, isSkipping } = exchange;
  return {
    relayed: Buffer.concat(relayed).toString('latin1'),
    length,
    digest: digest.toString('hex'),
    tags: [...tags],
    status,
    progress,
    statements: [...book.statements.keys()],
    portals: [...book.portals.keys()],
    leftover: leftover.toString('latin1'),
    isSkipping,
    reported: [...reported],
  };
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

for (const [what, { asked, answered, progress }] of Object.entries(scripts)) {
  const bytes = Buffer.concat(answered);

  test(`${what}, in whatever pieces, comes out the same`, (t) => {
    const whole = begin(asked);
    feed(whole, [bytes]);
    const expected = seen(whole);
    t.is(expected.progress, progress);
    t.is(expected.relayed, Buffer.concat(answered.filter((each) => each !== FATAL)).toString('latin1'));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const halved = begin(asked);
      feed(halved, split(bytes, [cut]));
      t.deepEqual(seen(halved), expected);
    }
    fc.assert(
      fc.property(cuts, (places) => {
        const cutUp = begin(asked);
        feed(cutUp, split(bytes, places));
        t.deepEqual(seen(cutUp), expected);
      }),
      { numRuns: 50 },
    );
  });

  test(`${what}: how far it has come is known at the end of each message, in whatever pieces`, (t) => {
    const steps = (pieces: (each: Buffer) => Buffer[]): Progress[] => {
      const fed = begin(asked);
      return answered.map((each) => {
        feed(fed, pieces(each));
        return fed.exchange.progress;
      });
    };
    const expected = steps((each) => [each]);
    t.deepEqual(
      steps((each) => Array.from(each, (byte) => Buffer.of(byte))),
      expected,
    );
    const early = expected.slice(0, -1).filter((each) => each === 'quiet' || each === 'ready');
    t.deepEqual(early, [], 'nothing is over before its end');
  });

  if (progress !== 'lost') {
    test(`${what} is told from every other answer when it is repeated`, (t) => {
      const first = begin(asked);
      feed(first, [bytes]);
      const given = first.exchange.given();
      const compared = (pieces: readonly Buffer[]): string => {
        const again = begin(asked);
        again.exchange.expect(given);
        feed(again, pieces);
        return `${again.exchange.comparison} ${again.relayed.length}`;
      };
      fc.assert(
        fc.property(cuts, (places) => t.is(compared(split(bytes, places)), 'equal 0')),
        { numRuns: 50 },
      );
      // What comes unasked for is not compared.
      t.is(compared([Buffer.concat(answered.flatMap((each) => [NOTICE, each]))]), 'equal 0');
      const counted = answered.filter(
        (each) => ![NOTICE, NOTIFICATION].includes(each) && each[0] !== BACKEND.parameterStatus,
      );
      t.is(compared(counted), 'equal 0');
      for (const index of counted.keys()) {
        t.not(compared(counted.toSpliced(index, 1)), 'equal 0', `message ${index} is missing`);
        if (progress === 'ready')
          t.not(compared(counted.toSpliced(index, 0, row('more'))), 'equal 0', `one more at ${index}`);
        const changed = Buffer.from(counted[index] ?? Buffer.alloc(0));
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
        const isReadable = counted[index]?.[0] !== BACKEND.readyForQuery && changed.length > 5;
        if (isReadable) t.not(compared(counted.with(index, changed)), 'equal 0', `message ${index} is another`);
      }
    });
  }
}

test('a repetition that ends otherwise is different', (t) => {
  const first = begin([query('SELECT')]);
  feed(first, [ONE_COLUMN, row('1'), DONE, readyForQuery('T')]);
  const again = begin([query('SELECT')]);
  again.exchange.expect(first.exchange.given());
  feed(again, [ONE_COLUMN, row('1'), DONE, readyForQuery('E')]);
  t.is(again.exchange.comparison, 'different');
});

test('what lies beyond the part that was given is relayed, and goes on in the same digest', (t) => {
  const answered = [ONE_COLUMN, row('1'), row('2'), DONE, readyForQuery('I')];
  const whole = begin([query('SELECT')]);
  feed(whole, answered);
  for (let count = 0; count <= answered.length; count++) {
    const first = begin([query('SELECT')]);
    feed(first, answered.slice(0, count));
    fc.assert(
      fc.property(cuts, (places) => {
        const again = begin([query('SELECT')]);
        again.exchange.expect(first.exchange.given());
        feed(again, split(Buffer.concat(answered), places));
        t.is(again.exchange.comparison, 'equal');
        t.deepEqual(Buffer.concat(again.relayed), Buffer.concat(answered.slice(count)));
        t.deepEqual(again.exchange.given(), whole.exchange.given());
      }),
      { numRuns: 20 },
    );
  }
});

test('a row that is too large to be collected waits, then passes in pieces', (t) => {
  const large = row('x'.repeat(2 * LIMITS.collectedAnswerLength));
  const { exchange } = begin([query('SELECT')]);
  exchange.receive(Buffer.concat([ONE_COLUMN, large.subarray(0, 1000)]));
  t.is(exchange.progress, 'large');
  t.deepEqual(Buffer.concat(exchange.take()), ONE_COLUMN);
  t.false(exchange.isMidMessage);
  exchange.passLargeMessages();
  t.is(exchange.progress, 'under-way');
  t.deepEqual(Buffer.concat(exchange.take()), large.subarray(0, 1000));
  t.true(exchange.isMidMessage);
  exchange.receive(large.subarray(1000));
  t.false(exchange.isMidMessage);
  exchange.receive(Buffer.concat([DONE, readyForQuery('I')]));
  t.is(exchange.progress, 'ready');
});

test('large rows are repeated as others are', (t) => {
  const bytes = Buffer.concat([ONE_COLUMN, row('x'.repeat(100_000)), row('y'), DONE, readyForQuery('I')]);
  const first = begin([query('SELECT')]);
  feed(first, split(bytes, [70_000]));
  t.deepEqual(Buffer.concat(first.relayed), bytes);
  for (const places of [[], [50], [70_000, 70_001], [100_020]]) {
    const again = begin([query('SELECT')]);
    again.exchange.expect(first.exchange.given());
    feed(again, split(bytes, places));
    t.is(again.exchange.comparison, 'equal');
    t.is(again.relayed.length, 0);
  }
});

test('an error in a sequence without a Sync passes over what follows, a Query too', (t) => {
  const { exchange } = begin([...EXTENDED, FLUSH]);
  exchange.receive(Buffer.concat([PARSED, ERROR]));
  t.deepEqual([exchange.progress, exchange.isSkipping], ['quiet', true]);
  exchange.ask(query('INSERT 2'));
  t.deepEqual([exchange.progress, exchange.isAsked], ['quiet', false]);
  exchange.ask(SYNC);
  t.is(exchange.progress, 'under-way');
  exchange.receive(readyForQuery('E'));
  t.is(exchange.progress, 'ready');
});

test('a Query behind a sequence that has failed is passed over, even where it is asked before the error is known', (t) => {
  const { exchange } = begin([parse('', 'X'), query('INSERT 1')]);
  exchange.receive(ERROR);
  t.deepEqual([exchange.progress, exchange.isSkipping, exchange.isAsked], ['quiet', true, false]);
});

test('only what the database has confirmed is in the book', (t) => {
  const { exchange, book } = begin([...EXTENDED, close('S', 's'), SYNC]);
  t.deepEqual([book.statements.size, book.portals.size], [0, 0]);
  exchange.receive(Buffer.concat([PARSED, BOUND]));
  t.deepEqual([[...book.statements.keys()], [...book.portals.keys()]], [['s'], ['p']]);
  exchange.receive(Buffer.concat([NO_DATA, DONE, CLOSED]));
  t.deepEqual([...book.statements.keys()], []);
});

test('the statements that run are known before they do, by name, by portal, and as they were asked', (t) => {
  const { exchange } = begin([...EXTENDED, parse('s', 'COMMIT'), bind('', 's'), execute(''), execute('unknown'), SYNC]);
  t.deepEqual(
    exchange.classes.map(({ commits }) => commits),
    ['none', 'alone', 'unclear'],
  );
});

test('a complaint of ours stands in the place of the first error', (t) => {
  const { exchange } = begin([query('SELECT')]);
  exchange.substitute(OURS);
  exchange.receive(Buffer.concat([ERROR, readyForQuery('E')]));
  t.deepEqual(told(Buffer.concat(exchange.take())), ['E ERROR 40001', 'Z E']);
  t.true(exchange.isSubstituted);
});

test('and in the place of the ROLLBACK that answers a COMMIT, though not of one that was asked for', (t) => {
  for (const [text, expected] of [
    ['COMMIT', 'E ERROR 40001'],
    ['ROLLBACK', 'C ROLLBACK'],
  ] as const) {
    const { exchange } = begin([query(text)]);
    exchange.substitute(OURS);
    exchange.receive(Buffer.concat([commandComplete('ROLLBACK'), readyForQuery('I')]));
    t.deepEqual(told(Buffer.concat(exchange.take())), [expected, 'Z I']);
  }
});

test('a COMMIT that is one after all is not complained of', (t) => {
  const { exchange } = begin([query('COMMIT')]);
  exchange.substitute(OURS);
  exchange.receive(Buffer.concat([commandComplete('COMMIT'), readyForQuery('I')]));
  t.deepEqual(told(Buffer.concat(exchange.take())), ['C COMMIT', 'Z I']);
  t.false(exchange.isSubstituted);
});

test('substituted in a sequence: nothing of it comes behind the complaint but ReadyForQuery', (t) => {
  const sequence = [parse('', 'COMMIT'), bind('', ''), execute(''), close('P', ''), SYNC];
  fc.assert(
    fc.property(cuts, (places) => {
      const fed = begin(sequence);
      fed.exchange.substitute(OURS);
      const answered = [PARSED, BOUND, commandComplete('ROLLBACK'), CLOSED, readyForQuery('I')];
      feed(fed, split(Buffer.concat(answered), places));
      t.deepEqual(told(Buffer.concat(fed.relayed)), ['1', '2', 'E ERROR 40001', 'Z I']);
    }),
  );
});

test('notifications behind a complaint of ours are not lost', (t) => {
  const { exchange } = begin([query('COMMIT')]);
  exchange.substitute(OURS);
  exchange.receive(Buffer.concat([commandComplete('ROLLBACK'), NOTIFICATION, readyForQuery('I')]));
  t.deepEqual(told(Buffer.concat(exchange.take())), ['E ERROR 40001', 'A', 'Z I']);
});

test('after DISCARD ALL nothing is prepared any more', (t) => {
  const { exchange, book } = begin([parse('s', 'DISCARD ALL'), bind('', 's'), execute(''), SYNC]);
  exchange.receive(Buffer.concat([PARSED, BOUND, commandComplete('DISCARD ALL'), readyForQuery('I')]));
  t.is(book.statements.size, 0);
  t.deepEqual([...exchange.touches()].includes('parameters'), true);
});

test('the last words of a session are for us', (t) => {
  const { exchange } = begin([query('SELECT')]);
  exchange.receive(Buffer.concat([ONE_COLUMN, FATAL]));
  t.is(exchange.progress, 'lost');
  t.is(exchange.lastWords?.C, '57P01');
  t.deepEqual(Buffer.concat(exchange.take()), ONE_COLUMN);
});

test('what is no message ends it', (t) => {
  const violates = (bytes: Buffer): void => {
    const { exchange } = begin([query('SELECT')]);
    t.throws(() => exchange.receive(bytes), { name: 'BackendProtocolViolated' });
  };
  violates(Buffer.from([BACKEND.dataRow, 0, 0, 0, 3]));
  violates(Buffer.from([BACKEND.dataRow, 255, 255, 255, 255]));
  violates(message(BACKEND.readyForQuery, '?'));
});

test('whatever else comes, it is relayed or refused', (t) => {
  const fates = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (pieces) => {
      const { exchange } = begin([...EXTENDED, SYNC]);
      try {
        for (const piece of pieces) exchange.receive(Buffer.from(piece));
      } catch (error) {
        fates.add((error as Error).name);
        return;
      }
      fates.add('relayed');
      t.true(exchange.relayLength <= Buffer.concat(pieces).length);
    }),
  );
  t.deepEqual([...fates].sort(), ['BackendProtocolViolated', 'relayed']);
});

test('a pipeline without end is not kept: neither its text nor what is known of its statements', (t) => {
  const exchange = new Exchange(new StatementBook(new Map()));
  const count = 20 * LIMITS.distinctStatementCount;
  for (let index = 0; index < count; index++) {
    for (const each of [parse('', `SET a = ${index}`), bind('', ''), execute('')]) exchange.ask(each);
    exchange.receive(Buffer.concat([PARSED, BOUND, commandComplete('SET')]));
    exchange.take();
  }
  t.true(exchange.isUnkept);
  t.true(exchange.isBegun);
  t.is(exchange.request.length, 0);
  t.true(exchange.classes.length <= LIMITS.distinctStatementCount + 1);
  t.true(exchange.touches().has('temporary'), 'what is not known may be anything');
  t.deepEqual([...exchange.tags], ['SET']);
});

test('thousands of like statements before the Sync are one and one more', (t) => {
  const exchange = new Exchange(new StatementBook(new Map()));
  exchange.ask(parse('s', 'INSERT INTO t VALUES (1)'));
  for (let index = 0; index < 5000; index++) for (const each of [bind('', 's'), execute('')]) exchange.ask(each);
  t.is(exchange.classes.length, 2);
  t.false(exchange.isUnkept);
});
