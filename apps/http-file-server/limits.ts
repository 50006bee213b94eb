// The limits of the server: what a client may send, and in what pieces a file leaves.

export const LIMITS = {
  /** The request target, in bytes; a longer one is answered with 414. */
  targetLength: 8 * 1024,
  /** Request line and field lines together, in bytes; beyond it 431. */
  headLength: 16 * 1024,
  /** Field lines; beyond it 431. */
  fieldCount: 100,
  /** Empty lines before a request line that are skipped (RFC 9112 section 2.2). */
  emptyLineCount: 4,
  /** The content of a request, which is read and dropped; a longer one ends the connection. */
  contentLength: 64 * 1024,
  /** Ranges of one request, overlapping ones counted once; with more of them the whole file is sent. */
  rangeCount: 16,
  /**
   * What is read from a file and written at a time; the restart point moves up after each. A read goes to another thread and
   * comes back, which takes as long as reading 64 KiB; blocks that are longer than this one were measured to bring no more.
   */
  blockLength: 512 * 1024,
} as const;
