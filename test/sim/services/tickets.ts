// Tickets: the service draws what it answers. Held output makes that safe: what leaves has been decided for good.
//
// One stage draws and is held; another one, which only reads, is not. The restart point of the second is taken in the first,
// so that a connection arrives at an open stage from a held one.

import { defineService, done, next } from '@migratory/framework';
import { readToTheEnd, type Turn } from './dialogue.js';
import type { Nature } from './nature.js';
import type { SeenIo } from './seen-io.js';

const TICKET_LENGTH = 8;

interface Tickets {
  consumed: number;
  wanted: number;
  /** All that were drawn, in order. */
  drawn: string[];
}

export const tickets: Nature = {
  serve: (site) => {
    /** What a restart point has must stay so. */
    const settle = (session: Tickets, io: SeenIo): void => io.settled(session.drawn);
    return {
      service: defineService({
        name: 'tickets',
        version: 1,
        entry: 'listen',
        fields: (): Tickets => ({ consumed: 0, wanted: 0, drawn: [] }),
        settings: { draw: { output: 'held' } },
        stages: {
          listen: site.stage('tickets/listen', async (session: Tickets, io) => {
            settle(session, io);
            const line = await io.readLine(16);
            if (line === undefined) return done();
            session.wanted = Number(line);
            if (session.wanted > 0) return next('draw');
            await io.write('none\n');
            return next('listen');
          }),
          draw: site.stage('tickets/draw', async (session: Tickets, io) => {
            settle(session, io);
            if (session.wanted === 0) throw new RangeError('entered with nothing to draw');
            while (session.wanted > 0) {
              const ticket = site.token(TICKET_LENGTH);
              await io.write('#');
              await site.work();
              await io.write(`${ticket}\n`);
              session.drawn = [...session.drawn, ticket];
              session.wanted--;
              if (session.wanted > 0) io.snapshot();
              else io.snapshot({ stage: 'thank' });
              settle(session, io);
              await site.work();
            }
            return next('thank');
          }),
          thank: site.stage('tickets/thank', async (session: Tickets, io) => {
            settle(session, io);
            await io.write('?');
            await site.work();
            const answer = await io.readExactly(1);
            if (answer === undefined) return done();
            await io.write(`${Buffer.from(answer).toString('latin1')}\n`);
            return next('listen');
          }),
        },
      }),
    };
  },

  dialogue(draw, turnCount) {
    const turns: Turn[] = [];
    const holes: number[] = [];
    let offset = 0;
    const say = (input: string, output: string): void => {
      turns.push({ input, output });
      offset += output.length;
    };
    for (let count = 0; count < turnCount; count++) {
      const wanted = draw.below(4);
      if (wanted === 0) say('0\n', 'none\n');
      else {
        for (let ticket = 0; ticket < wanted; ticket++) holes.push(offset + ticket * (TICKET_LENGTH + 2) + 1);
        say(`${wanted}\n`, `#${'.'.repeat(TICKET_LENGTH)}\n`.repeat(wanted) + '?');
        say('y', 'y\n');
      }
    }
    return { ...readToTheEnd(turns), drawn: holes.map((at) => ({ at, length: TICKET_LENGTH })) };
  },
};
