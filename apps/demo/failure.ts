// How a demo can end badly, with the exit status for each.

/** What the caller can put right: a wrong path, a missing curl. One line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something did not work. One line. */
export class DemoFailed extends Error {
  override readonly name = 'DemoFailed';
}
