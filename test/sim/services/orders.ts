// Orders: effects in a world outside of all members, each of which has to be made exactly once.
//
// `pay` makes it in a locked stage; `swap` records the stage behind it first; `book` makes two with `io.once` in an open
// stage, with something open that has to be closed. `fail` and `late` are failures that the client is told of.

import { defineService, done, next, ServiceStopping } from '@migratory/framework';
import { readToTheEnd, type Turn } from './dialogue.js';
import type { Nature } from './nature.js';

/** Longer than any wait for the outside world. */
const LATE_MS = 300;

interface Orders {
  consumed: number;
  number: number;
  answer: string;
}

export const orders: Nature = {
  serve: (site) => ({
    service: defineService({
      name: 'orders',
      version: 1,
      entry: 'listen',
      fields: (): Orders => ({ consumed: 0, number: 0, answer: '' }),
      settings: { pay: { lock: true }, swap: { lock: true }, late: { timeoutMs: LATE_MS } },
      stages: {
        listen: site.stage('orders/listen', async (session: Orders, io) => {
          const line = await io.readLine(16);
          if (line === undefined) return done();
          session.number++;
          switch (line) {
            case 'pay':
              return next('pay');
            case 'swap':
              return next('swap');
            case 'fail':
              return next('fail');
            case 'late':
              return next('late');
            default:
              return next('book');
          }
        }),
        pay: site.lockedStage('orders/pay', async (session: Orders, io) => {
          const times = await io.effect(`pay ${session.number}`);
          session.answer = `paid ${session.number} ${times}`;
          return next('answer');
        }),
        swap: site.lockedStage('orders/swap', async (session: Orders, io) => {
          session.answer = `swapped ${session.number}`;
          io.snapshot({ stage: 'answer' });
          await io.effect(`swap ${session.number}`);
          return next('answer');
        }),
        book: site.stage('orders/book', async (session: Orders, io) => {
          await io.use();
          const first = await io.once('reserve');
          await site.work();
          await io.write(`reserved ${session.number} ${first}\n`);
          await site.work();
          const second = await io.once('book');
          await io.write(`booked ${session.number} ${second}\n`);
          await site.work();
          session.answer = 'thanks';
          return next('answer');
        }),
        answer: site.stage('orders/answer', async (session: Orders, io) => {
          await site.work();
          await io.write(`${session.answer}\n`);
          return next('listen');
        }),
        fail: site.stage('orders/fail', async () => {
          await site.work();
          throw new Error(AS_TOLD);
        }),
        late: site.stage('orders/late', async (_session: Orders, io) => {
          await io.use();
          await io.readExactly(1_000);
          return done();
        }),
      },
      failed: async (_session, io, error) => {
        if (error instanceof ServiceStopping) throw error; // there is nothing to say: the client is reset
        await io.write(error instanceof Error && error.message === AS_TOLD ? 'failed\n' : 'too late\n');
      },
    }),
  }),

  dialogue(draw, turnCount) {
    const turns: Turn[] = [];
    for (let number = 1; number <= turnCount; number++) {
      const verb = draw.pick(['pay', 'swap', 'book'] as const);
      const input = `${verb}\n`;
      if (verb === 'pay') turns.push({ input, output: `paid ${number} 1\n` });
      if (verb === 'swap') turns.push({ input, output: `swapped ${number}\n` });
      if (verb === 'book') turns.push({ input, output: `reserved ${number} 1\nbooked ${number} 1\nthanks\n` });
    }
    const ending = draw.pick(['end', 'end', 'fail', 'late'] as const);
    if (ending === 'fail') turns.push({ input: 'fail\n', output: 'failed\n' });
    if (ending === 'late') turns.push({ input: 'late\n', output: 'too late\n' });
    const dialogue = readToTheEnd(turns);
    return ending === 'end' ? dialogue : { ...dialogue, ends: 'when-read' };
  },
};

/** What the stage that fails throws. */
export const AS_TOLD = 'as the client told it to';
