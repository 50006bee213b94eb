// A client that listens, with a real database, while its session moves: whatever is notified reaches it once, in order.

import type { EventEmitter } from 'node:events';
import test from 'ava';
import pg from 'pg';
import { HandOverChannel } from '@migratory/pg-frontend/internal/session/hand-over.js';
import { BACKEND, cString, int32, message } from '@migratory/pg-frontend/internal/wire/message.js';
import { startPostgresWorld, type PostgresWorld } from '../../support/postgres/world.js';

const NOTIFICATION_COUNT = 300;
const MOVE_COUNT = 12;
const TRANSACTION_MOVE_COUNT = 4;
const WAIT_MS = 15_000;

type Line = Readonly<Record<string, unknown>>;

let world: PostgresWorld;
const lines: Line[] = [];
const moves: string[] = [];

test.before(async () => {
  world = await startPostgresWorld({
    memberCount: 3,
    log: (_member, line) => void lines.push(line),
    report: (event) => {
      if (event.kind === 'moved') moves.push(String(event.cid));
    },
  });
});

test.after.always(() => world.close());

/** A client whose notifications are kept, and can be waited for. */
class ListeningClient {
  readonly heard: string[] = [];
  readonly errors: string[] = [];
  readonly client: pg.Client;
  #arrived: () => void = () => undefined;

  constructor(url: string) {
    this.client = new pg.Client(url);
    this.client.on('error', (error) => this.errors.push(error.message));
    this.client.on('notification', ({ channel, payload = '' }) => {
      this.heard.push(`${channel} ${payload}`);
      this.#arrived();
    });
  }

  async listen(...channels: readonly string[]): Promise<void> {
    await this.client.connect();
    for (const channel of channels) await this.client.query(`LISTEN ${channel}`);
  }

  /** Resolves when so many have come, or when it takes too long. */
  async hear(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, WAIT_MS);
      this.#arrived = () => {
        if (this.heard.length < count) return;
        clearTimeout(late);
        resolve();
      };
      this.#arrived();
    });
  }

  async ownChannel(): Promise<string> {
    const { rows } = await this.client.query<{ name: string }>('SELECT pg_listening_channels() AS name');
    return rows.map(({ name }) => name).find((name) => name.startsWith('migratory_')) ?? '';
  }
}

async function withNotifier(notify: (notifier: pg.Client) => Promise<void>): Promise<void> {
  const notifier = new pg.Client(world.database.url);
  await notifier.connect();
  await notify(notifier);
  await notifier.end();
}

function moveAll(): Promise<number> {
  return world.gateway.move(undefined, undefined);
}

function failures(): Line[] {
  return lines.filter(({ event }) => event === 'hand-over-failed');
}

test.serial('as often as it moves, in transactions too, a client hears everything once and in order', async (t) => {
  const listening = new ListeningClient(world.url());
  await listening.listen('odd', 'even');
  const { client } = listening;
  const sent: string[] = [];
  let transactionMoves = 0;
  const isMoving = (): boolean => moves.length < MOVE_COUNT || transactionMoves < TRANSACTION_MOVE_COUNT;
  const notifying = withNotifier(async (notifier) => {
    while (sent.length < NOTIFICATION_COUNT || isMoving()) {
      const channel = sent.length % 2 === 0 ? 'even' : 'odd';
      sent.push(`${channel} ${sent.length}`);
      await notifier.query(`NOTIFY ${channel}, '${sent.length - 1}'`);
    }
  });
  const before = moves.length;
  for (let round = 0; isMoving(); round++) {
    if (round % 3 === 0) {
      await moveAll();
      continue;
    }
    if (round % 3 === 1) {
      // The move waits for the end of the statement, with which notifications come.
      await Promise.all([client.query('SELECT pg_sleep(0.02)'), moveAll()]);
      continue;
    }
    await client.query('BEGIN');
    await client.query('SELECT 1');
    const [movesBefore, asked] = [moves.length, client.query('SELECT pg_sleep(0.02)')];
    await moveAll();
    transactionMoves += moves.length - movesBefore;
    await asked;
    await client.query('COMMIT');
  }
  await notifying;
  await listening.hear(sent.length);
  t.deepEqual(listening.heard, sent);
  t.deepEqual(listening.errors, []);
  t.deepEqual(failures(), []);
  t.log(`${sent.length} notifications, ${moves.length - before} moves, ${transactionMoves} of them in transactions`);
  await client.end();
});

test.serial('moves that follow each other at once hand over from one to the next', async (t) => {
  const listening = new ListeningClient(world.url());
  await listening.listen('news');
  const sent: string[] = [];
  let isOver = false;
  const notifying = withNotifier(async (notifier) => {
    while (!isOver) {
      sent.push(`news ${sent.length}`);
      await notifier.query(`NOTIFY news, '${sent.length - 1}'`);
    }
  });
  for (let round = 0; round < 25; round++) await moveAll();
  isOver = true;
  await notifying;
  await listening.hear(sent.length);
  t.deepEqual(listening.heard, sent);
  t.deepEqual(failures(), []);
  await listening.client.end();
});

test.serial('its own notifications too, and none of channels that it has left', async (t) => {
  const listening = new ListeningClient(world.url());
  await listening.listen('own', 'former');
  const { client } = listening;
  await moveAll();
  await client.query("NOTIFY own, '1'");
  await client.query("UNLISTEN *; LISTEN own; NOTIFY own, '2'");
  await moveAll();
  await client.query("NOTIFY former, 'no'; NOTIFY own, '3'");
  await listening.hear(3);
  await client.query('UNLISTEN own');
  t.is(await listening.ownChannel(), '');
  await moveAll();
  await client.query("NOTIFY own, 'no'");
  t.deepEqual(listening.heard, ['own 1', 'own 2', 'own 3']);
  await client.end();
});

test.serial('what was notified reaches a client before the answer to what it asks then', async (t) => {
  const listening = new ListeningClient(world.url());
  await listening.listen('prompt');
  const messages: string[] = [];
  const { connection } = listening.client as unknown as { readonly connection: EventEmitter };
  connection.on('notification', () => messages.push('notification'));
  connection.on('commandComplete', () => messages.push('complete'));
  connection.on('readyForQuery', () => messages.push('ready'));
  for (let round = 0; round < 3; round++) await listening.client.query(`NOTIFY prompt, '${round}'`);
  const each = ['complete', 'notification', 'ready'];
  t.deepEqual(messages, [...each, ...each, ...each]);
  await listening.client.end();
});

test.serial('a front-end that is drained hands over before it ends', async (t) => {
  const listening = new ListeningClient(world.url());
  await listening.listen('drained');
  const sent: string[] = [];
  let isOver = false;
  const notifying = withNotifier(async (notifier) => {
    while (!isOver) {
      sent.push(`drained ${sent.length}`);
      await notifier.query(`NOTIFY drained, '${sent.length - 1}'`);
    }
  });
  for (const frontend of world.frontends) {
    await frontend.stop();
    await frontend.start();
  }
  isOver = true;
  await notifying;
  await listening.hear(sent.length);
  t.deepEqual(listening.heard, sent);
  t.deepEqual(failures(), []);
  await listening.client.end();
});

test.serial(
  'a forged hand-over puts nothing into the stream of a client, and the real one is not lost by it',
  async (t) => {
    const listening = new ListeningClient(world.url());
    await listening.listen('news');
    const own = await listening.ownChannel();
    t.regex(own, /^migratory_[0-9a-f]{16}$/);
    const { rows } = await listening.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const origin = rows[0]?.pid ?? 0;
    const forged = message(BACKEND.notificationResponse, int32(1), cString('news'), cString('forged'));
    const forging = new HandOverChannel(own.replace('migratory_', ''), Buffer.from('a secret of his own'));
    await withNotifier(async (forger) => {
      await forger.query(`LISTEN ${own}`);
      const arrived = new Promise<string>((resolve) => {
        forger.on('notification', ({ payload = '' }) => payload.startsWith('arrived') && resolve(payload));
      });
      // The origin's session stands still, so that the forgery comes before what it hands over.
      process.kill(origin, 'SIGSTOP');
      try {
        await forger.query("NOTIFY news, 'real'");
        await moveAll();
        const [, turn = ''] = (await arrived).split(' ');
        await forger.query(forging.handOverStatement(Number(turn), [forged]));
      } finally {
        process.kill(origin, 'SIGCONT');
      }
    });
    t.deepEqual((await listening.client.query('SELECT 1 AS one')).rows, [{ one: 1 }]);
    await listening.hear(1);
    t.deepEqual([listening.heard, listening.errors, failures()], [['news real'], [], []]);
    await listening.client.end();
  },
);
