// Turns of the event loop: the one thing that the kit asks of the machine that it runs on. No time passes in them.

/** Resolves when everything that can go on without anything new has gone on: promises, ticks, what I/O has finished. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Turns that a service may take for something outside of its `io` (a file, a database) before it counts as stuck. A turn in
 * which nothing happens takes microseconds.
 */
export const PATIENCE_TURNS = 50_000;
