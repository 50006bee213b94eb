// What was thrown, as text. Anything may have been, also what can't be turned into text: an object without a prototype, an
// error whose `message` throws. Telling of one failure must never become another.

/** Name and message of an error, as `String` has them. */
export function textOfThrown(thrown: unknown): string {
  return read(() => String(thrown)) ?? `a ${typeof thrown} was thrown`;
}

/** The message of an error alone; the text of whatever else it is. */
export function messageOfThrown(thrown: unknown): string {
  const message = read(() => (thrown instanceof Error ? thrown.message : undefined));
  return typeof message === 'string' ? message : textOfThrown(thrown);
}

function read<Found>(what: () => Found): Found | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
