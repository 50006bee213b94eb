// The smallest of the recent samples: of this period and of the one before, so that an old one is forgotten in time.

export interface RecentMinimum {
  /** Infinity where none was seen. */
  current: number;
  previous: number;
  periodStartedAt: number;
}

/** For so long a short round trip is believed: the path may have become longer. */
const PERIOD_MS = 10_000;

export function noMinimum(now: number): RecentMinimum {
  return { current: Infinity, previous: Infinity, periodStartedAt: now };
}

export function lowerMinimum(minimum: RecentMinimum, now: number, sample: number): void {
  if (now - minimum.periodStartedAt >= PERIOD_MS) {
    minimum.previous = minimum.current;
    minimum.current = sample;
    minimum.periodStartedAt = now;
  } else if (sample < minimum.current) {
    minimum.current = sample;
  }
}

export function minimumOf({ current, previous }: RecentMinimum): number {
  return Math.min(current, previous);
}
