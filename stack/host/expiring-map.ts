// A map whose entries last for a time and are bounded in number; the oldest goes first.

export class ExpiringMap<Key, Value> {
  readonly #entries = new Map<Key, { readonly value: Value; readonly until: number }>();
  readonly #lifetimeMs: number;
  readonly #maxCount: number;

  constructor(lifetimeMs: number, maxCount: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#maxCount = maxCount;
  }

  get size(): number {
    return this.#entries.size;
  }

  set(key: Key, value: Value, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: now + this.#lifetimeMs });
    // Insertion order is the order of expiry, since all live equally long.
    for (const [oldest, { until }] of this.#entries) {
      if (until > now && this.#entries.size <= this.#maxCount) break;
      this.#entries.delete(oldest);
    }
  }

  get(key: Key, now: number): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.until > now) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }
}
