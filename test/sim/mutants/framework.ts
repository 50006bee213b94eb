// Bugs on purpose in the framework's runtime: the services' world has to find every one of them.
//
// As for the stack's list: `find` stands exactly once in its file, and a bug that lives asks for stronger scenarios.

import type { Mutant } from './list.js';

export const FRAMEWORK_MUTANTS: readonly Mutant[] = [
  {
    name: 'restart point without the unfinished read given back',
    file: 'runtime/stay.ts',
    find: 'this.intake.giveBack(); // Y1',
    replace: '',
    breaks: ['S1'],
  },
  {
    name: 'stage entered without setState',
    file: 'runtime/stay.ts',
    find: "this.#restart(point, 'cleared');",
    replace: "this.frame.encode(point, 'cleared');",
    breaks: ['S2', 'S1', 'S5'],
  },
  {
    name: 'snapshot without setState',
    file: 'runtime/stay.ts',
    find: "this.#restart({ kind: 'stage', stage }, stage === this.#stage ? 'kept' : 'set-aside');",
    replace: "this.frame.encode({ kind: 'stage', stage }, 'kept');",
    breaks: ['S1', 'S5'],
  },
  {
    name: 'snapshot of another stage records this one',
    file: 'runtime/connection-io.ts',
    find: 'this.#stay.snapshot(target);',
    replace: 'this.#stay.snapshot(this.#stage);',
    breaks: ['S1', 'S7', 'S5'],
  },
  {
    name: 'snapshot without a look at the lifeline',
    file: 'runtime/connection-io.ts',
    find: `const { lifeline, frame, service } = this.#running();
    lifeline.check();`,
    replace: 'const { frame, service } = this.#running();',
    breaks: ['S2'],
  },
  {
    name: 'write counted after the snapshot',
    file: 'runtime/connection-io.ts',
    find: "return connection.write(bytes) ? 'has-room' : 'full';",
    replace: "queueMicrotask(() => connection.write(bytes)); return 'has-room';",
    breaks: ['S1', 'S5'],
  },
  {
    name: 'wait that a departure ends is taken for a success',
    file: 'runtime/lifeline.ts',
    find: `      }, event);
    });
    this.check();`,
    replace: `      }, event);
    });`,
    breaks: ['S2'],
  },
  {
    name: 'departure ends no wait',
    file: 'runtime/lifeline.ts',
    find: `    this.#settle(() => true);
    this.#abort`,
    replace: '    this.#abort',
    breaks: ['S6'],
  },
  {
    name: 'departure ends no read',
    file: 'runtime/lifeline.ts',
    find: 'this.#watch.gone();',
    replace: '',
    breaks: ['S6'],
  },
  {
    name: 'lock of a stage not taken',
    file: 'runtime/stay.ts',
    find: `    this.lifeline.check();
    if (lock !== 'open') this.lock.acquire(lock);`,
    replace: '    this.lifeline.check();',
    breaks: ['S7'],
  },
  {
    name: 'lock of a stage not released',
    file: 'runtime/stay.ts',
    find: "if (held !== 'open') this.lock.release(held);",
    replace: '',
    breaks: ['S5', 'S7'],
  },
  {
    name: 'lock of a stage released before the next restart point',
    file: 'runtime/stay.ts',
    find: "    try {\n      this.#restart(point, 'cleared');",
    replace:
      "    if (this.#lock !== 'open') this.lock.release(this.#lock);\n    if (this.#lock !== 'open') this.lock.acquire(this.#lock);\n    try {\n      this.#restart(point, 'cleared');",
    breaks: ['S7', 'S1', 'S2'],
  },
  {
    name: 'stage entered that has left while its lock was opened',
    file: 'runtime/stay.ts',
    find: 'this.lifeline.check(); // a move that was waiting for the lock has happened',
    replace: '',
    breaks: ['S2'],
  },
  {
    name: 'effect made without the lock',
    file: 'runtime/connection-io.ts',
    find: `    lock.acquire();
    this.#effects.add(key);`,
    replace: '    this.#effects.add(key);',
    breaks: ['S7'],
  },
  {
    name: 'result of an effect not recorded',
    file: 'runtime/connection-io.ts',
    find: 'this.#stay.record(key, result);',
    replace: '',
    breaks: ['S7', 'S1'],
  },
  {
    name: 'result of an effect recorded after the lock',
    file: 'runtime/connection-io.ts',
    find: 'this.#stay.record(key, result);',
    replace: 'lock.release(); this.#stay.record(key, result); lock.acquire();',
    breaks: ['S7', 'S2', 'S1'],
  },
  {
    name: 'result of an effect not recalled',
    file: 'runtime/frame.ts',
    find: 'this.#results = results.size === 0 ? undefined : new Map(results);',
    replace: 'this.#results = undefined;',
    breaks: ['S7', 'S1'],
  },
  {
    name: 'output mode not set',
    file: 'runtime/stay.ts',
    find: 'if (mode !== this.#mode) this.connection.setOutputMode(mode);',
    replace: '',
    breaks: ['S1', 'S5'],
  },
  {
    name: 'output mode kept that came with the image',
    file: 'runtime/stay.ts',
    find: "this.#mode = 'as-it-came';",
    replace: '',
    breaks: ['S5'],
  },
  {
    name: 'read takes at the call',
    file: 'runtime/intake.ts',
    find: 'queueMicrotask(() => this.proceed()); // N1: a snapshot in the same breath as the call comes first',
    replace: 'this.proceed();',
    breaks: ['S1'],
  },
  {
    name: 'what a read does not want is lost',
    file: 'runtime/intake.ts',
    find: 'if (consumedLength < all.length) this.#connection.unshift(all.subarray(consumedLength)); // N1',
    replace: '',
    breaks: ['S1', 'S5'],
  },
  {
    name: 'arrival begins at the entry stage',
    file: 'runtime/host.ts',
    find: 'stay.resume(point);\n      return point;',
    replace: "stay.resume(point);\n      return { kind: 'stage', stage: this.#service.plan.entry };",
    breaks: ['S1', 'S5', 'S2'],
  },
  {
    name: 'service that has finished runs again',
    file: 'runtime/interpreter.ts',
    find: "if (returned.kind === 'done') return FINISHED;",
    replace: "if (returned.kind === 'done') return isTransition(FINISHED) ? FINISHED : { kind: 'stage', stage };",
    breaks: ['S5', 'S6'],
  },
  {
    name: 'what a stage has opened stays open',
    file: 'runtime/host.ts',
    find: `    io.retire();
    await io.close();`,
    replace: '    io.retire();\n    await Promise.resolve();',
    breaks: ['S6'],
  },
  {
    name: 'stop ends a stream in order that is broken',
    file: 'runtime/host.ts',
    find: '} else this.#connection.destroy(asError(error)); // H1',
    replace: '} else this.#connection.destroy();',
    breaks: ['S1'],
  },
  {
    name: 'drain forgets who has closed and still delivers',
    file: 'application.ts',
    find: 'return this.#hostings.size > 0 || this.#options.stack.unconfirmedCount > 0;',
    replace: 'return this.#hostings.size > 0;',
    breaks: ['S5'],
  },
];
