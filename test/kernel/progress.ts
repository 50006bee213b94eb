// How far a transfer is, for those who wait until it has come so far.

export class Progress {
  length = 0;
  #waiting: { readonly length: number; readonly resolve: () => void }[] = [];

  add(length: number): void {
    this.length += length;
    const due = this.#waiting.filter((waiter) => waiter.length <= this.length);
    this.#waiting = this.#waiting.filter((waiter) => waiter.length > this.length);
    for (const { resolve } of due) resolve();
  }

  reaching(length: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.length >= length) resolve();
      else this.#waiting.push({ length, resolve });
    });
  }
}
