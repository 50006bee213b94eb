// A calculator in thirty lines: `+ 5`, `* 3`, `- 1`, `/ 2`; each answer is the total so far.
//
//   npx migratory run examples/dist/calculator.js
//
// A stage that is entered for every line needs no `io.snapshot()`: entering it is the restart point.

import { done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';

const OPERATIONS: Readonly<Record<string, (total: number, operand: number) => number>> = {
  '+': (total, operand) => total + operand,
  '-': (total, operand) => total - operand,
  '*': (total, operand) => total * operand,
  '/': (total, operand) => total / operand,
};

@Service({ name: 'calculator', version: 1 })
export class Calculator {
  @Snapshot() total: number = 0;

  @Stage({ entry: true })
  async line(io: StageIo): Promise<Next<Calculator>> {
    const line = await io.readUntil('\n', { maxLength: 64 });
    if (line === undefined) return done();
    const [operator = '', operand = ''] = new TextDecoder().decode(line).trim().split(/\s+/);
    const operation = OPERATIONS[operator];
    if (operation !== undefined) this.total = operation(this.total, Number(operand));
    await io.write(operation === undefined ? 'one of + - * / and a number, please\n' : `${this.total}\n`);
    return next('line');
  }
}
