// From when to when something happened, in milliseconds by `performance.now()`.

export interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

export function touches(one: Interval, other: Interval): boolean {
  return one.untilMs >= other.fromMs && one.fromMs <= other.untilMs;
}

export function durationOf({ fromMs, untilMs }: Interval): number {
  return untilMs - fromMs;
}
