// From single observations to what is reported: the median, the spread, and what the slowest hundredth waited for.

/** What is said of a number of observations, in their unit. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** With fewer than 100 observations this is the largest. */
  readonly p99: number;
}

/** Throws a `RangeError` where there is nothing to summarise. */
export function summarise(observations: readonly number[]): Summary {
  const sorted = [...observations].sort((a, b) => a - b);
  return {
    count: sorted.length,
    median: percentile(sorted, 0.5),
    low: percentile(sorted, 0),
    high: percentile(sorted, 1),
    p99: percentile(sorted, 0.99),
  };
}

/** The smallest observation that `share` of all do not exceed. */
function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('nothing was observed');
  return value;
}
