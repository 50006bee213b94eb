// The upload: every byte is in the store, at its offset, whatever happens on the way.

import test from 'ava';
import { Upload } from '@migratory/examples/upload.js';
import { UploadStore } from '@migratory/examples/upload-store.js';
import { Container } from '@migratory/framework';
import { crashEverywhere, migrateEverywhere, type RecordEffect } from '@migratory/framework/testing';

/** Tells of bytes that were not there before. */
class StoreInMemory extends UploadStore {
  readonly #uploads = new Map<string, Buffer>();
  readonly #record: RecordEffect;

  constructor(record: RecordEffect) {
    super();
    this.#record = record;
  }

  override async put(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve)); // as a call to another machine would
    const before = this.#uploads.get(name) ?? Buffer.alloc(0);
    const after = Buffer.concat([before.subarray(0, offset), bytes, before.subarray(offset + bytes.length)]);
    if (after.equals(before)) return;
    this.#record(`${bytes.length} bytes at ${offset} of ${name}, ${sumOf(after)}`);
    this.#uploads.set(name, after);
  }
}

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, index) => (sum + byte * (index + 1)) % 65_521, 0);
}

function container(record: RecordEffect): Container {
  const bindings = new Container();
  bindings.bind(UploadStore).toConstantValue(new StoreInMemory(record));
  return bindings;
}

const content = Buffer.from(Array.from({ length: 150_000 }, (_, index) => index % 251));
const whole = {
  input: [
    { send: `PUT /picture HTTP/1.1\r\nContent-Length: ${content.length}\r\nExpect: 100-continue\r\n\r\n` },
    { expect: 'HTTP/1.1 100 Continue\r\n\r\n' },
    { send: content.subarray(0, 30_000) },
    { send: content.subarray(30_000) },
    { expect: 'HTTP/1.1 201 Created\r\n' },
  ],
  container,
  pairLimit: 100,
};

test('moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(Upload, whole);
  t.true(moves > 30);
});

test('deaths change nothing', async (t) => {
  const { crashes } = await crashEverywhere(Upload, whole);
  t.true(crashes > 30);
});

test('a request that is none is refused', async (t) => {
  for (const request of ['GET /picture HTTP/1.1\r\n\r\n', 'PUT /../picture HTTP/1.1\r\nContent-Length: 1\r\n\r\n']) {
    const input = [{ send: request }, { expect: 'HTTP/1.1 400 Bad Request\r\n' }];
    await t.notThrowsAsync(migrateEverywhere(Upload, { input, container }), request);
  }
});
