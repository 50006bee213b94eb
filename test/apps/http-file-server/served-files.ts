// The server's session on files in memory, with a clock that never says the same twice, and a strict reader of responses.

import { Container } from '@migratory/framework';
import { WallClock } from '@migratory/http-file-server/internal/clock-adapter.js';
import { FileSession } from '@migratory/http-file-server/internal/file-session.js';
import {
  FileChanged,
  FileStore,
  type FileVersion,
  type FoundEntry,
  type OpenFile,
} from '@migratory/http-file-server/internal/file-store.js';
import { RequestLog, type RequestEntry } from '@migratory/http-file-server/internal/request-log.js';
import { runSession, type SessionResult, type Step } from '../../support/fake-session.js';

export const MODIFIED_MS = Date.UTC(2024, 0, 2, 3, 4, 5, 678);
export const LAST_MODIFIED = 'Tue, 02 Jan 2024 03:04:05 GMT';
const START_MS = Date.UTC(2025, 5, 1);

/** A store that needs no disk, so that a step of a session is a turn of the event loop. */
export class MemoryFiles extends FileStore {
  readonly #files = new Map<string, { readonly content: Buffer; readonly modifiedMs: number }>();
  readonly directories = new Set<string>();
  readonly forbidden = new Set<string>();
  opened = 0;
  closed = 0;
  /** Called with the number of the opening, before it. */
  onOpen: (count: number) => void = () => undefined;

  constructor() {
    super('memory');
  }

  add(path: string, content: Buffer | string, modifiedMs = MODIFIED_MS): Buffer {
    const bytes = Buffer.from(content);
    this.#files.set(path, { content: bytes, modifiedMs });
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) this.directories.add(path.slice(0, at));
    return bytes;
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  #versionOf(path: string): FileVersion | undefined {
    const file = this.#files.get(path);
    return file === undefined ? undefined : { size: file.content.length, modifiedMs: file.modifiedMs };
  }

  override find(path: string): Promise<FoundEntry> {
    const version = this.#versionOf(path);
    if (this.forbidden.has(path)) return Promise.resolve({ kind: 'forbidden' });
    if (version !== undefined) return Promise.resolve({ kind: 'file', path, version });
    return Promise.resolve({ kind: this.directories.has(path) ? 'directory' : 'missing' });
  }

  override async open(path: string, version: FileVersion): Promise<OpenFile> {
    this.onOpen(++this.opened);
    const check = async (): Promise<void> => {
      await Promise.resolve();
      const found = this.#versionOf(path);
      if (found?.size !== version.size || found.modifiedMs !== version.modifiedMs) {
        this.closed++;
        throw new FileChanged(path, 'another version');
      }
    };
    await check();
    return {
      read: (offset, bytes) => {
        bytes.set(this.#files.get(path)?.content.subarray(offset, offset + bytes.length) ?? []);
        return Promise.resolve();
      },
      check,
      close: () => {
        this.closed++;
        return Promise.resolve();
      },
    };
  }
}

/** A second later each time it is asked: a date that is not kept shows. */
class AdvancingClock extends WallClock {
  #nowMs = START_MS;

  override now(): number {
    this.#nowMs += 1000;
    return this.#nowMs;
  }
}

export interface Served extends SessionResult {
  readonly entries: readonly RequestEntry[];
}

export async function serve(
  files: MemoryFiles,
  input: Uint8Array | string,
  schedule: readonly Step[] = [],
): Promise<Served> {
  const entries: RequestEntry[] = [];
  const container = new Container();
  container.bind(FileStore).toConstantValue(files);
  container.bind(WallClock).toConstantValue(new AdvancingClock());
  container.bind(RequestLog).toConstantValue(new RequestLog((entry) => entries.push(entry)));
  return { ...(await runSession(FileSession, input, schedule, container)), entries };
}

export interface Received {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly content: Buffer;
}

/** Reads responses one after the other. Throws for anything that is not exactly a response, cut-off ones included. */
export function parseResponses(bytes: Buffer, methods: readonly string[] = []): Received[] {
  const responses: Received[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) throw new Error(`The head at ${at} has no end.`);
    const [statusLine = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3}) [A-Za-z-]+(?: [A-Za-z-]+)*$/.exec(statusLine) ?? [];
    if (status === undefined) throw new Error(`'${statusLine}' is no status line.`);
    const fields = new Map(lines.map(parseField));
    if (fields.size < lines.length) throw new Error(`A field of '${statusLine}' comes twice.`);
    at = end + 4;
    if (status === '100') continue;
    const method = methods[responses.length] ?? 'GET';
    const length = method === 'HEAD' || status === '304' ? 0 : Number(fields.get('content-length') ?? Number.NaN);
    if (!(at + length <= bytes.length)) throw new Error(`The content of '${statusLine}' is cut off.`);
    responses.push({ status: Number(status), fields, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return responses;
}

function parseField(line: string): [name: string, value: string] {
  const [, name, value] = /^([A-Za-z-]+): ([\x20-\x7e]+)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`'${line}' is no field.`);
  return [name.toLowerCase(), value];
}

/** A body that shows where it comes from. */
export function patterned(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = index * 31 + (index >> 8) * 7;
  return bytes;
}

/** GET of a path with further field lines. */
export function get(path: string, ...lines: readonly string[]): string {
  return `GET ${path} HTTP/1.1\r\nHost: files\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
