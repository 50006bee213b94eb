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
   * What is written at a time; the restart point moves up after each. Measured on loopback, larger ones bring no throughput,
   * and an image that grows with them: twice as long at 256 KiB.
   */
  chunkLength: 64 * 1024,
  /** What is read from a file at a time: each read goes to another thread and comes back, which takes as long as 64 KiB. */
  blockLength: 256 * 1024,
} as const;
