// The clock of stages: who takes too long is told when, and what that costs all others.

import test from 'ava';
import { VirtualClock } from '@migratory/stack';
import { StageClock, type Timed } from '@migratory/framework/internal/runtime/stage-clock.js';

class Watched implements Timed {
  dueAt: number;
  readonly told: number[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, dueAt: number) {
    this.#clock = clock;
    this.dueAt = dueAt;
  }

  overdue(): void {
    this.told.push(this.#clock.now());
    this.dueAt = Infinity;
  }
}

function watch(dueAt: readonly number[]): { clock: VirtualClock; stages: StageClock; timed: Watched[] } {
  const clock = new VirtualClock();
  const stages = new StageClock(clock);
  const timed = dueAt.map((at) => new Watched(clock, at));
  for (const each of timed) stages.watch(each);
  return { clock, stages, timed };
}

test('each is told once, when it is due, in whatever order they were watched', (t) => {
  const { clock, timed } = watch([30, 10, 20, 10, Infinity]);
  clock.advanceTo(100);
  t.deepEqual(
    timed.map(({ told }) => told),
    [[30], [10], [20], [10], []],
  );
});

test('what is due later than it was is not told before, and no timer is set anew for that', (t) => {
  const { clock, timed } = watch([10]);
  const [one] = timed as [Watched];
  for (let now = 1; now < 100; now++) {
    one.dueAt = now + 10;
    clock.advanceTo(now);
    t.true(clock.nextWake() <= now + 10);
  }
  t.deepEqual(one.told, []);
  clock.advanceTo(200);
  t.deepEqual(one.told, [109]);
});

test('what is due earlier than it was is told then, once it is watched again', (t) => {
  const { clock, stages, timed } = watch([1_000, 5_000]);
  const [, late] = timed as [Watched, Watched];
  late.dueAt = 50;
  stages.watch(late);
  clock.advanceTo(60);
  t.deepEqual(late.told, [50]);
});

test('what is forgotten is not told, and the last one takes the timer with it', (t) => {
  const { clock, stages, timed } = watch([10, 20]);
  const [first, second] = timed as [Watched, Watched];
  stages.forget(first);
  clock.advanceTo(15);
  t.deepEqual(first.told, []);
  stages.forget(second);
  t.is(clock.nextWake(), Infinity);
});

test('what is limited anew while it is told is looked after again', (t) => {
  const { clock, stages } = watch([]);
  const told: number[] = [];
  const again: Timed = {
    dueAt: 10,
    overdue() {
      told.push(clock.now());
      Object.assign(this, { dueAt: told.length < 3 ? clock.now() + 10 : Infinity });
      stages.watch(this);
    },
  };
  stages.watch(again);
  clock.advanceTo(100);
  t.deepEqual(told, [10, 20, 30]);
});
