// Chat: reads in every way there is, writes while it reads, and ends its half of the stream before the client does.

import { defineService, DelimiterNotFound, done, next, UnexpectedEnd } from '@migratory/framework';
import { contentOf, type Turn } from './dialogue.js';
import type { Nature } from './nature.js';
import type { SeenIo } from './seen-io.js';

const MAX_LINE_LENGTH = 12;
const LONG_LENGTH = 15;
const END = '.';
const REST = '.rest ';

interface Chat {
  consumed: number;
  expected: number;
  ticks: number;
  /** The line that was read, `END`, or `REST` and how much there was; empty when it has been dealt with. */
  heard: string;
}

async function hear(session: Chat, io: SeenIo): Promise<void> {
  try {
    session.heard = (await io.readLine(MAX_LINE_LENGTH)) ?? END;
  } catch (error) {
    if (!(error instanceof UnexpectedEnd)) throw error;
    session.heard = REST + String(error.received.length);
  }
}

export const chat: Nature = {
  serve: (site) => ({
    service: defineService({
      name: 'chat',
      version: 1,
      entry: 'listen',
      fields: (): Chat => ({ consumed: 0, expected: 0, ticks: 0, heard: '' }),
      stages: {
        listen: site.stage('chat/listen', async (session: Chat, io) => {
          // A read waits, and gathers, while restart points are taken beside it; what it finds has to be kept at once.
          const hearing = session.heard === '' ? hear(session, io) : Promise.resolve();
          hearing.catch(() => undefined);
          while (session.ticks > 0) {
            await site.pause();
            void io.write(`tick ${session.ticks}\n`).catch(() => undefined);
            session.ticks--;
            io.snapshot();
          }
          try {
            await hearing;
          } catch (error) {
            if (error instanceof DelimiterNotFound) return next('long');
            throw error;
          }
          const line = session.heard;
          session.heard = '';
          if (line === END) return done();
          if (line.startsWith(REST)) {
            await io.write(`left ${line.slice(REST.length)}\n`);
            return done();
          }
          if (line === 'bye') return next('bye');
          const [verb = '', count = ''] = line.split(' ');
          session.expected = Number(count);
          if (verb === 'say') return next('say');
          session.ticks = session.expected;
          return next('listen');
        }),
        say: site.stage('chat/say', async (session: Chat, io) => {
          const bytes = (await io.readExactly(session.expected)) ?? new Uint8Array(0);
          await site.work();
          await io.write(`${bytes.length}:`);
          await io.write(bytes);
          return next('listen');
        }),
        long: site.stage('chat/long', async (_session: Chat, io) => {
          const bytes = await io.readExactly(LONG_LENGTH);
          await io.write(`long ${Buffer.from(bytes ?? []).toString('latin1')}\n`);
          return next('listen');
        }),
        bye: site.stage('chat/bye', async (_session: Chat, io) => {
          await io.write('bye\n');
          await io.end();
          return next('rest');
        }),
        rest: site.stage('chat/rest', async (_session: Chat, io) => {
          for (;;) {
            const reading = io.read();
            io.snapshot(); // in the same breath as the call: nothing has been taken yet
            if ((await reading) === undefined) return done();
            await site.work();
          }
        }),
      },
    }),
  }),

  dialogue(draw, turnCount) {
    const turns: Turn[] = [];
    let readLength = 0;
    const say = (input: string | Uint8Array, output: string | Uint8Array): void => {
      turns.push({ input, output });
      readLength += input.length;
    };
    for (let count = 0; count < turnCount; count++) {
      const length = draw.pick([0, 1, 5, 200, 900]);
      switch (draw.pick(['say', 'say', 'tick', 'long'] as const)) {
        case 'say': {
          const bytes = contentOf(length + count, 0, length);
          say(
            Buffer.concat([Buffer.from(`say ${length}\n`), bytes]),
            Buffer.concat([Buffer.from(`${length}:`), bytes]),
          );
          break;
        }
        case 'tick': {
          const ticks = draw.below(6);
          const lines = Array.from({ length: ticks }, (_, index) => `tick ${ticks - index}\n`);
          say(`tick ${ticks}\n`, lines.join(''));
          break;
        }
        case 'long':
          say('a'.repeat(LONG_LENGTH), `long ${'a'.repeat(LONG_LENGTH)}\n`);
          break;
      }
    }
    switch (draw.pick(['end', 'bye', 'left'] as const)) {
      case 'bye':
        say('bye\nand a little more', 'bye\n');
        break;
      case 'left':
        say('unfinished', 'left 10\n');
        return { turns, readLength, ends: 'when-written' };
      default:
    }
    return { turns, readLength };
  },
};
