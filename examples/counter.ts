// A counter: the first example of the slides (send 1, state = 1, set_state; send 2, state = 2, set_state; ...).
//
//   npx migratory run examples/dist/counter.js
//
// Connect with nc as it says, type a number, and press m in the first terminal while it counts.

import { done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';

@Service({ name: 'counter', version: 1 })
export class Counter {
  @Snapshot() limit: number = 0;
  @Snapshot() count: number = 0;

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<Counter>> {
    const line = await io.readUntil('\n', { maxLength: 32 });
    if (line === undefined) return done();
    this.limit = Number(new TextDecoder().decode(line));
    this.count = 0;
    return next('counting');
  }

  @Stage()
  async counting(io: StageIo): Promise<Next<Counter>> {
    while (this.count < this.limit) {
      await io.write(`${this.count + 1}\n`); // send(s, 1)
      this.count += 1; //                       state = 1
      io.snapshot(); //                         set_state(s, &state)
    }
    return next('request');
  }
}
