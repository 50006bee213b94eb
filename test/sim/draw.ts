// Choices out of a seed.

import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';

export class Draw extends SeededEntropy {
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(rate: number): boolean {
    return this.fraction() < rate;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** A selection of at least one. */
  some<Item>(items: readonly Item[]): Item[] {
    const chosen = items.filter(() => this.chance(0.5));
    return chosen.length === 0 ? [this.pick(items)] : chosen;
  }
}
