// Whatever comes in, what goes out is a sequence of whole responses, in order, and the connection ends in order.

import test from 'ava';
import fc from 'fast-check';
import { get, MemoryFiles, parseResponses, serve } from './served-files.js';

const files = new MemoryFiles();
files.add('index.html', 'index');
files.add('hello.txt', 'hello, world\n');

/** Throws where the answer is anything but whole responses; HEAD is left out of the inputs. */
async function check(input: Uint8Array): Promise<boolean> {
  const { client, outcomes, reports } = await serve(files, input);
  const responses = parseResponses(client.received);
  const closing = responses.findIndex(({ fields }) => fields.get('connection') === 'close');
  return (
    outcomes.join() === 'finished' &&
    reports.length === 0 &&
    client.receivedEnd === 'ended' &&
    (closing < 0 || closing === responses.length - 1)
  );
}

const valid = [
  get('/hello.txt', 'Range: bytes=1-3', 'If-Range: "x"'),
  `${get('/', 'Content-Length: 4')}abcd`,
  get('/a/../b%20c', 'Connection: keep-alive'),
  get('/hello.txt', 'If-None-Match: "a", W/"b"', 'Expect: 100-continue'),
].join('');

test('any bytes at all', async (t) => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), check), { numRuns: 150 });
  t.pass();
});

const fragment = fc.constantFrom(
  ...['GET', 'POST', ' ', '/', '\r\n', '\n', '\r', ':', 'HTTP/1.1', 'HTTP/1.0', 'Host: a', 'Range: bytes=', '0-1', ','],
  ...[
    '%2e',
    '%',
    '..',
    '\0',
    '\\',
    '*',
    '"',
    'Content-Length: ',
    '3',
    'Transfer-Encoding: chunked',
    '\r\n\r\n',
    'é',
    ' ; ',
  ],
);

test('any order of what requests are made of', async (t) => {
  const input = fc.array(fragment, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));
  await fc.assert(fc.asyncProperty(input, check), { numRuns: 300 });
  t.pass();
});

test('good requests with some bytes changed', async (t) => {
  const change = fc.record({ at: fc.nat(valid.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
  const input = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const bytes = Buffer.from(valid);
    for (const { at, byte } of changes) bytes[at] = byte;
    return bytes;
  });
  await fc.assert(fc.asyncProperty(input, check), { numRuns: 300 });
  t.pass();
});

test('good requests, cut off at every byte', async (t) => {
  for (let length = 0; length <= valid.length; length++) {
    t.true(await check(Buffer.from(valid.slice(0, length))), `cut off after ${length} bytes`);
  }
});
