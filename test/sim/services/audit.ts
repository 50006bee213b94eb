// Audits: long answers without a restart point, which are written again after a move, and verified.
//
// Most are a function of the request. Some are not: they are written in a letter that each run draws anew, and whoever goes
// on in another letter must be stopped before the client sees it.

import { defineService, done, next } from '@migratory/framework';
import { contentOf, readToTheEnd, type Turn } from './dialogue.js';
import type { Nature } from './nature.js';

const PIECE_LENGTH = 60;

interface Audit {
  consumed: number;
  length: number;
}

export const audit: Nature = {
  serve: (site) => ({
    service: defineService({
      name: 'audit',
      version: 1,
      entry: 'listen',
      fields: (): Audit => ({ consumed: 0, length: 0 }),
      settings: { report: { output: 'verified' }, vary: { output: 'verified' } },
      stages: {
        listen: site.stage('audit/listen', async (session: Audit, io) => {
          const line = await io.readLine(32);
          if (line === undefined) return done();
          const [verb, length] = line.split(' ');
          session.length = Number(length);
          return next(verb === 'vary' ? 'vary' : 'report');
        }),
        report: site.stage('audit/report', async (session: Audit, io) => {
          for (let at = 0; at < session.length; at += PIECE_LENGTH) {
            await io.write(contentOf(7, at, Math.min(PIECE_LENGTH, session.length - at)));
            await site.work();
          }
          await io.write('.');
          return next('listen');
        }),
        vary: site.stage('audit/vary', async (session: Audit, io) => {
          const letter = site.token(1);
          for (let at = 0; at < session.length; at += PIECE_LENGTH) {
            await io.write(letter.repeat(Math.min(PIECE_LENGTH, session.length - at)));
            await site.work();
          }
          await io.write('.');
          return next('listen');
        }),
      },
    }),
  }),

  dialogue(draw, turnCount) {
    const alike: { at: number; length: number }[] = [];
    let offset = 0;
    const turns = Array.from({ length: turnCount }, (): Turn => {
      const length = draw.pick([0, 10, 300, 900]);
      const varies = draw.chance(0.15);
      if (varies && length > 0) alike.push({ at: offset, length });
      offset += length + 1;
      const output = Buffer.concat([varies ? Buffer.alloc(length, '.') : contentOf(7, 0, length), Buffer.from('.')]);
      return { input: `${varies ? 'vary' : 'report'} ${length}\n`, output };
    });
    return { ...readToTheEnd(turns), alike };
  },
};
