// What a counter of ours is to Prometheus: its kind, its name with the unit, its help.
//
// Names follow https://prometheus.io/docs/practices/naming: base units, `_total` for what only grows.

export interface Metric {
  /** A counter only grows; a gauge may go down again. */
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
}

/** `name` goes without its prefix and its `_total`. */
export function counter(name: string, help: string): Metric {
  return { kind: 'counter', name: `migratory_${name}_total`, help };
}

/** `name` goes without its prefix. */
export function gauge(name: string, help: string): Metric {
  return { kind: 'gauge', name: `migratory_${name}`, help };
}
