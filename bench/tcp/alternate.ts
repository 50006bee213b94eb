// Runs of several ways to do the same, taking turns: so that whatever else the machine does touches all of them alike.

/** Observations by way. The first run of each warms compilers and caches up, and does not count. */
export async function alternate<Way extends string>(
  runCount: number,
  ways: readonly Way[],
  observe: (way: Way) => Promise<number>,
): Promise<Readonly<Record<Way, number[]>>> {
  const observed = Object.fromEntries(ways.map((way) => [way, [] as number[]])) as Record<Way, number[]>;
  for (let run = 0; run <= runCount; run++) {
    for (const way of ways) {
      const value = await observe(way);
      if (run > 0) observed[way].push(value);
    }
  }
  return observed;
}

/** Of runs side by side. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((value, index) => value / (theirs[index] ?? NaN));
}
