// A calculator: requests and answers, with a session that holds a field of every type that travels.

import { defineService, done, next } from '@migratory/framework';
import { contentOf, readToTheEnd, type Turn } from './dialogue.js';
import type { Nature } from './nature.js';

interface Calculator {
  consumed: number;
  total: number;
  exact: bigint;
  expected: number;
  isNegative: boolean;
  operators: Map<string, number>;
  seen: Set<number>;
  last: Uint8Array;
  words: string[];
  since: Date;
  name: string;
}

const initial = (): Calculator => ({
  consumed: 0,
  total: 0,
  exact: 1n,
  expected: 0,
  isNegative: false,
  operators: new Map(),
  seen: new Set(),
  last: new Uint8Array(0),
  words: [],
  since: new Date(0),
  name: 'nobody',
});

export const calculator: Nature = {
  serve: (site) => ({
    service: defineService({
      name: 'calculator',
      version: 1,
      entry: 'command',
      fields: initial,
      stages: {
        command: site.stage('calculator/command', async (session: Calculator, io) => {
          const line = await io.readLine(64);
          if (line === undefined || line === 'quit') return done();
          const [operator = '', operand = ''] = line.split(' ');
          session.operators.set(operator, (session.operators.get(operator) ?? 0) + 1);
          session.words = [...session.words.slice(-2), operator];
          if (operator === 'name') {
            session.name = operand;
            return next('answer');
          }
          session.expected = Number(operand);
          if (operator === 'sum') return next('sum');
          session.isNegative = operator === '-';
          session.total += session.isNegative ? -session.expected : session.expected;
          session.exact = (session.exact * 31n + BigInt(session.expected)) % 1_000_000_007n;
          session.since = new Date(session.expected * 1_000);
          await site.work();
          return next('answer');
        }),
        sum: site.stage('calculator/sum', async (session: Calculator, io) => {
          const bytes = await io.readExactly(session.expected);
          session.last = bytes ?? new Uint8Array(0);
          for (const byte of session.last) {
            session.total += byte;
            session.seen.add(byte % 10);
          }
          return next('answer');
        }),
        answer: site.stage('calculator/answer', async (session: Calculator, io) => {
          await site.work();
          await io.write(`${session.name} ${session.total} ${session.exact} ${session.isNegative ? 'minus' : 'plus'} `);
          await site.work();
          await io.write(
            `${JSON.stringify([...session.operators])} ${session.words.join()} ${[...session.seen].join()} `,
          );
          await io.write(`${session.since.toISOString()} ${Buffer.from(session.last).toString('base64')}\n`);
          return next('command');
        }),
      },
    }),
  }),

  dialogue(draw, turnCount) {
    const state = { total: 0, exact: 1, sign: 'plus', name: 'nobody', sinceS: 0, last: '' };
    const counts: [string, number][] = [];
    const words: string[] = [];
    const digits: number[] = [];
    const turns = Array.from({ length: turnCount }, (): Turn => {
      const operator = draw.pick(['+', '-', 'sum', 'name']);
      const operand = draw.pick([0, 1, 7, 300, 1_000]);
      const known = counts.find(([name]) => name === operator);
      if (known === undefined) counts.push([operator, 1]);
      else known[1]++;
      words.push(operator);
      let body: Uint8Array = new Uint8Array(0);
      switch (operator) {
        case 'name':
          state.name = `n${operand}`;
          break;
        case 'sum':
          body = contentOf(operand + state.total, 0, operand);
          state.total += body.reduce((sum, byte) => sum + byte, 0);
          for (const byte of body) if (!digits.includes(byte % 10)) digits.push(byte % 10);
          state.last = Buffer.from(body).toString('base64');
          break;
        default:
          state.total += operator === '-' ? -operand : operand;
          state.sign = operator === '-' ? 'minus' : 'plus';
          state.exact = (state.exact * 31 + operand) % 1_000_000_007;
          state.sinceS = operand;
      }
      const head = Buffer.from(`${operator} ${operator === 'name' ? state.name : operand}\n`);
      const { name, total, exact, sign, sinceS, last } = state;
      const since = new Date(sinceS * 1_000).toISOString();
      return {
        input: Buffer.concat([head, body]),
        output: `${name} ${total} ${exact} ${sign} ${JSON.stringify(counts)} ${words.slice(-3).join()} ${digits.join()} ${since} ${last}\n`,
      };
    });
    const { readLength } = readToTheEnd(turns);
    if (draw.chance(0.7)) return { turns, readLength };
    const quit = 'quit\n';
    return { turns: [...turns, { input: `${quit}and more`, output: '' }], readLength: readLength + quit.length };
  },
};
