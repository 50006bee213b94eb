// The part of `pg-cursor` that is used here; the package has no types of its own.

declare module 'pg-cursor' {
  import type { Submittable } from 'pg';

  class Cursor<Row = Record<string, unknown>> implements Submittable {
    constructor(text: string, values?: readonly unknown[]);
    submit(connection: unknown): void;
    read(rowCount: number): Promise<Row[]>;
    close(): Promise<void>;
  }

  export = Cursor;
}
