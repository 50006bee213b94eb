// What a case writes down: one line a note, values as JSON, errors by the fields that the server gave them.

import { createHash } from 'node:crypto';

/** A note that is longer is kept as its digest. */
const NOTE_LENGTH = 2000;

export class Transcript {
  readonly #lines: string[] = [];

  note(what: string, value: unknown): void {
    const text = JSON.stringify(value, plain) ?? 'undefined';
    const short = text.length <= NOTE_LENGTH ? text : `${text.length} characters, ${digestOf(text)}`;
    this.#lines.push(`${what}: ${short}`);
  }

  /** Notes what comes of it, an error too. */
  async attempt(what: string, action: () => Promise<unknown>): Promise<void> {
    try {
      this.note(what, await action());
    } catch (error) {
      this.note(what, errorFields(error));
    }
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

export function digestOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The server's fields as both drivers name them; else the message. */
function errorFields(error: unknown): object {
  const names = ['severity', 'code', 'message', 'detail', 'hint', 'position', 'where', 'schema', 'table', 'column'];
  const further = ['constraint', 'schema_name', 'table_name', 'column_name', 'constraint_name', 'routine'];
  const given = Object.assign(
    { message: String(error) },
    error,
    error instanceof Error ? { message: error.message } : {},
  );
  return Object.fromEntries([...names, ...further].map((name) => [name, (given as Record<string, unknown>)[name]]));
}

/** JSON leaves out or refuses what drivers answer: these are written by name. */
function plain(this: unknown, _name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}

export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
