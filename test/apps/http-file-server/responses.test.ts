// What the server answers: statuses, fields and content, for good requests and bad ones (RFC 9110, RFC 9112).

import test from 'ava';
import { parseTarget } from '@migratory/http-file-server/internal/target.js';
import {
  get,
  LAST_MODIFIED,
  MemoryFiles,
  MODIFIED_MS,
  parseResponses,
  patterned,
  serve,
  type Received,
} from './served-files.js';

const files = new MemoryFiles();
const text = files.add('hello.txt', 'hello, world\n');
const index = files.add('docs/index.html', '<p>docs</p>');
files.add('index.html', '<p>root</p>');
files.add('bare/a.bin', 'x');
files.add('empty', '');
files.add('a b/é+%.txt', 'odd name');
files.add('.secret', 'hidden');
files.add('.well-known/x', 'known');
files.add('locked.txt', 'locked');
files.forbidden.add('locked.txt');
const large = files.add('large.bin', patterned(150_000));
const SMUGGLED = get('/smuggled');

async function ask(request: string | Uint8Array, method = 'GET'): Promise<Received> {
  const { client, outcomes, reports } = await serve(files, request);
  const [response, ...more] = parseResponses(client.received, [method]);
  if (response === undefined || more.length > 0 || reports.length > 0) throw new Error(client.received.toString());
  if (outcomes.join() !== 'finished' || client.receivedEnd !== 'ended') throw new Error('not ended in order');
  return response;
}

test('a file comes with its type, length and validators', async (t) => {
  const { status, fields, content } = await ask(get('/hello.txt'));
  t.is(status, 200);
  t.deepEqual(content, text);
  t.deepEqual(
    [...fields],
    [
      ['date', 'Sun, 01 Jun 2025 00:00:01 GMT'],
      ['connection', 'keep-alive'],
      ['etag', fields.get('etag') ?? ''],
      ['last-modified', LAST_MODIFIED],
      ['accept-ranges', 'bytes'],
      ['content-type', 'text/plain; charset=utf-8'],
      ['content-length', '13'],
    ],
  );
  t.regex(fields.get('etag') ?? '', /^"d-[0-9a-f]+"$/);
});

const targets: [target: string, status: number, content?: string][] = [
  ['/', 200, '<p>root</p>'],
  ['/?x=/../..', 200, '<p>root</p>'],
  ['http://elsewhere/hello.txt', 200, 'hello, world\n'],
  ['http://elsewhere', 200, '<p>root</p>'],
  ['//hello.txt', 200, 'hello, world\n'],
  ['/./hello.txt', 200, 'hello, world\n'],
  ['/%68ello.txt', 200, 'hello, world\n'],
  ['/a%20b/%C3%A9+%25.txt', 200, 'odd name'],
  ['/.well-known/x', 200, 'known'],
  ['/empty', 200, ''],
  ['/docs/', 200, '<p>docs</p>'],
  ['/docs/.', 200, '<p>docs</p>'],
  ['/docs', 301],
  ['/bare', 404],
  ['/bare/', 404],
  ['/missing', 404],
  ['/hello.txt/', 404],
  ['/hello.txt/x', 404],
  ['/locked.txt', 403],
  ['/.secret', 404],
  ['/%2esecret', 404],
  ['/../etc/passwd', 404],
  ['/..', 404],
  ['/docs/../hello.txt', 404],
  ['/%2e%2e/etc/passwd', 404],
  ['/%2E%2E%2Fetc%2Fpasswd', 404],
  ['/docs%2f..%2f..%2fetc', 404],
  ['/docs/..%5c..%5cx', 404],
  ['/..\\..\\x', 404],
  ['/docs\\index.html', 404],
  ['/docs%5Cindex.html', 404],
  ['/%00', 400],
  ['/hello.txt%00.html', 400],
  ['/%', 400],
  ['/%zz', 400],
  ['/%ff', 400],
  ['/%c0%ae%c0%ae/', 400],
  ['/hello.txt#part', 400],
  ['hello.txt', 400],
  ['*', 400],
  ['/h\u00e9', 400],
];

for (const [target, status, content] of targets) {
  test(`the target ${JSON.stringify(target)} gives ${status}`, async (t) => {
    const response = await ask(get(target));
    t.is(response.status, status);
    if (content !== undefined) t.is(response.content.toString(), content);
    t.notRegex(response.content.toString(), /root:|hidden/);
  });
}

test('names are split before they are decoded, and none has a separator in it', (t) => {
  const servable = parseTarget('/a%20b//c/?d/e');
  t.deepEqual(servable, { kind: 'target', target: { names: ['a b', 'c'], form: 'directory', query: '?d/e' } });
  for (const text of ['/a%2Fb', '/a%5cb', '/a\\b', '/a/..', '/%2e%2E/a', '/.a']) {
    t.deepEqual(parseTarget(text), { kind: 'unservable' }, text);
  }
});

test('a redirect stays on this host and keeps the query', async (t) => {
  t.is((await ask(get('//docs?a=b'))).fields.get('location'), '/docs/?a=b');
});

const heads: [what: string, request: string, status: number, connection: 'keep-alive' | 'close'][] = [
  ['HTTP/1.0', 'GET /empty HTTP/1.0\r\n\r\n', 200, 'close'],
  ['HTTP/1.0 that stays', 'GET /empty HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n', 200, 'keep-alive'],
  ['HTTP/1.1 that closes', get('/empty', 'Connection: x, Close'), 200, 'close'],
  ['a later minor version', 'GET /empty HTTP/1.9\r\nHost: a\r\n\r\n', 200, 'keep-alive'],
  ['empty lines first', `\r\n\r\n${get('/empty')}`, 200, 'keep-alive'],
  ['only empty lines', '\r\n'.repeat(9), 400, 'close'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'close'],
  ['two Hosts', get('/', 'host: other'), 400, 'close'],
  ['a bad Host', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'close'],
  ['a bad Host in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a/b\r\n\r\n', 400, 'close'],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400, 'close'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'close'],
  ['another protocol', '\x16\x03\x01\x02\x00\r\n\r\n', 400, 'close'],
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'close'],
  ['lower-case http', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400, 'close'],
  ['bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n', 400, 'close'],
  ['a bare line feed after a field', 'GET / HTTP/1.1\r\nHost: ab\n\r\n', 400, 'close'],
  ['a space before the colon', get('/', 'A : b'), 400, 'close'],
  ['a folded line', get('/', 'A: b', ' c'), 400, 'close'],
  ['a field without name', get('/', ': b'), 400, 'close'],
  ['a carriage return in a value', get('/', 'A: b\rc'), 400, 'close'],
  ['a NUL in a value', get('/', 'A: b\0'), 400, 'close'],
  ['Latin-1 in a value', get('/empty', 'A: \u00e9'), 200, 'keep-alive'],
  ['a request that is cut off', 'GET / HT', 400, 'close'],
  ['fields that are cut off', 'GET / HTTP/1.1\r\nHost: a\r\n', 400, 'close'],
  ['a method that files lack', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'keep-alive'],
  ['an upload', 'PUT /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', 405, 'keep-alive'],
  ['a long upload', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'a'.repeat(70_000)}`, 405, 'close'],
  ['a method that nobody has', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'keep-alive'],
  ['a method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'keep-alive'],
  ['a GET with content', `${get('/empty', 'Content-Length: 4')}abcd`, 200, 'keep-alive'],
  ['a GET with too much content', `${get('/empty', 'Content-Length: 70000')}abcd`, 413, 'close'],
  ['content that is cut off', `${get('/empty', 'Content-Length: 4')}ab`, 400, 'close'],
  ['content that never comes', get('/empty', 'Content-Length: 4'), 400, 'close'],
  ['two lengths', get('/', 'Content-Length: 4', 'Content-Length: 5'), 400, 'close'],
  ['a negative length', get('/', 'Content-Length: -4'), 400, 'close'],
  ['chunks', `${get('/', 'Transfer-Encoding: chunked')}0\r\n\r\n`, 501, 'close'],
  ['chunks and a length', get('/', 'Transfer-Encoding: chunked', 'Content-Length: 4'), 400, 'close'],
  ['chunks in HTTP/1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'close'],
  ['an expectation', get('/', 'Expect: wonders'), 417, 'close'],
  ['an expectation without content', get('/empty', 'Expect: 100-continue'), 200, 'keep-alive'],
  ['a target of 8 KiB', get(`/${'a'.repeat(8191)}`), 404, 'keep-alive'],
  ['a target that is too long', get(`/${'a'.repeat(8192)}`), 414, 'close'],
  ['a target without end', `GET /${'a'.repeat(20_000)}`, 414, 'close'],
  ['100 fields', get('/empty', ...Array<string>(99).fill('A: b')), 200, 'keep-alive'],
  ['101 fields', get('/empty', ...Array<string>(100).fill('A: b')), 431, 'close'],
  ['a long field', get('/empty', `A: ${'b'.repeat(16_000)}`), 200, 'keep-alive'],
  ['a field that is too long', get('/empty', `A: ${'b'.repeat(16_384)}`), 431, 'close'],
];

for (const [what, request, status, connection] of heads) {
  test(`${what}: ${status}, ${connection}`, async (t) => {
    const response = await ask(Buffer.from(request, 'latin1'));
    t.is(response.status, status);
    t.is(response.fields.get('connection'), connection);
    t.is(response.fields.get('allow'), status === 405 ? 'GET, HEAD' : undefined);
  });
}

test('100 Continue comes before the content is read, and only then', async (t) => {
  const request = `${get('/empty', 'Content-Length: 4', 'Expect: 100-continue')}abcd`;
  const { client } = await serve(files, request);
  t.regex(client.received.toString(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

for (const path of ['/hello.txt', '/missing', '/docs', '/large.bin']) {
  test(`HEAD ${path} has the fields of GET and no content`, async (t) => {
    const got = await ask(get(path));
    const head = await ask(get(path).replace('GET', 'HEAD'), 'HEAD');
    t.is(head.status, got.status);
    t.deepEqual(head.fields, got.fields);
    t.is(head.content.length, 0);
  });
}

test('a range of a HEAD is ignored', async (t) => {
  const { status } = await ask(get('/hello.txt', 'Range: bytes=0-1').replace('GET', 'HEAD'), 'HEAD');
  t.is(status, 200);
});

const ranges: [range: string, status: number, contentRange?: string, content?: string][] = [
  ['bytes=0-4', 206, 'bytes 0-4/13', 'hello'],
  ['bytes=7-', 206, 'bytes 7-12/13', 'world\n'],
  ['bytes=-6', 206, 'bytes 7-12/13', 'world\n'],
  ['bytes=-100', 206, 'bytes 0-12/13', 'hello, world\n'],
  ['bytes=12-9999999999999999999999', 206, 'bytes 12-12/13', '\n'],
  ['BYTES=0-0', 206, 'bytes 0-0/13', 'h'],
  ['bytes=0-1, 2-4', 206, 'bytes 0-4/13', 'hello'],
  ['bytes=20-,3-4', 206, 'bytes 3-4/13', 'lo'],
  ['bytes=13-', 416, 'bytes */13'],
  ['bytes=-0', 416, 'bytes */13'],
  ['bytes=20-30,40-', 416, 'bytes */13'],
  ['bytes=4-1', 200],
  ['bytes=a-b', 200],
  ['bytes=-', 200],
  ['bytes=', 200],
  ['lines=0-1', 200],
  ['bytes=0-1,x', 200],
];

for (const [range, status, contentRange, content] of ranges) {
  test(`Range: ${range} gives ${status}`, async (t) => {
    const response = await ask(get('/hello.txt', `Range: ${range}`));
    t.is(response.status, status);
    t.is(response.fields.get('content-range'), contentRange);
    if (content !== undefined) t.is(response.content.toString(), content);
    if (status === 200) t.deepEqual(response.content, text);
  });
}

test('several ranges come as multipart, in the order asked for, overlaps joined', async (t) => {
  const response = await ask(get('/large.bin', 'Range: bytes=100000-100009,0-4,3-9,-5'));
  t.is(response.status, 206);
  const [, boundary = ''] =
    /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(response.fields.get('content-type') ?? '') ?? [];
  const part = (first: number, last: number): Buffer =>
    Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${last}/150000\r\n\r\n`,
      ),
      large.subarray(first, last + 1),
      Buffer.from('\r\n'),
    ]);
  const expected = [part(100_000, 100_009), part(0, 9), part(149_995, 149_999), Buffer.from(`--${boundary}--\r\n`)];
  t.deepEqual(response.content, Buffer.concat(expected));
});

test('more ranges than anybody needs give the whole file', async (t) => {
  const list = Array.from({ length: 17 }, (_, at) => `${at * 3}-${at * 3}`).join();
  t.is((await ask(get('/large.bin', `Range: bytes=${list}`))).status, 200);
  t.is((await ask(get('/large.bin', `Range: bytes=${list.slice(0, list.lastIndexOf(','))}`))).status, 206);
});

test('an empty file has no range', async (t) => {
  t.is((await ask(get('/empty', 'Range: bytes=0-'))).status, 416);
});

const OTHER = '"other"';
const LATER = 'Wed, 03 Jan 2024 00:00:00 GMT';
const EARLIER = 'Mon, 01 Jan 2024 00:00:00 GMT';
const conditions: [status: number, ...lines: string[]][] = [
  [304, 'If-None-Match: ETAG'],
  [304, 'If-None-Match: W/ETAG'],
  [304, `If-None-Match: ${OTHER}, ETAG`],
  [304, 'If-None-Match: *'],
  [200, `If-None-Match: ${OTHER}`],
  [200, `If-None-Match: ${OTHER}`, `If-Modified-Since: ${LATER}`],
  [304, `If-Modified-Since: ${LAST_MODIFIED}`],
  [304, `If-Modified-Since: ${LATER}`],
  [200, `If-Modified-Since: ${EARLIER}`],
  [200, 'If-Modified-Since: some day'],
  [200, 'If-Match: ETAG'],
  [200, 'If-Match: *'],
  [412, 'If-Match: W/ETAG'],
  [412, `If-Match: ${OTHER}`],
  [200, `If-Match: ${OTHER}, ETAG`],
  [412, `If-Unmodified-Since: ${EARLIER}`],
  [200, `If-Unmodified-Since: ${LAST_MODIFIED}`],
  [200, 'If-Unmodified-Since: some day'],
  [200, 'If-Match: ETAG', `If-Unmodified-Since: ${EARLIER}`],
  [206, 'Range: bytes=0-1', 'If-Range: ETAG'],
  [200, 'Range: bytes=0-1', 'If-Range: W/ETAG'],
  [200, 'Range: bytes=0-1', `If-Range: ${OTHER}`],
  [206, 'Range: bytes=0-1', `If-Range: ${LAST_MODIFIED}`],
  [200, 'Range: bytes=0-1', `If-Range: ${LATER}`],
  [304, 'Range: bytes=0-1', 'If-None-Match: ETAG'],
];

for (const [status, ...lines] of conditions) {
  test(`${lines.join(', ')}: ${status}`, async (t) => {
    const { fields } = await ask(get('/hello.txt'));
    const entityTag = fields.get('etag') ?? '';
    const response = await ask(get('/hello.txt', ...lines.map((line) => line.replace('ETAG', entityTag))));
    t.is(response.status, status);
    if (status !== 304) return;
    t.is(response.content.length, 0);
    t.is(response.fields.get('etag'), entityTag);
    t.is(response.fields.get('last-modified'), LAST_MODIFIED);
    t.is(response.fields.get('content-length'), undefined);
  });
}

test('the entity tag is strong, and of size and time alone', async (t) => {
  const { fields } = await ask(get('/hello.txt'));
  t.is(fields.get('etag'), `"${text.length.toString(16)}-${MODIFIED_MS.toString(16)}"`);
});

test('a file from the future was not modified after the response', async (t) => {
  const ahead = new MemoryFiles();
  ahead.add('x', 'x', Date.UTC(2030, 0));
  const { client } = await serve(ahead, get('/x', 'Range: bytes=0-0', 'If-Range: Sun, 01 Jun 2025 00:00:01 GMT'));
  const [response] = parseResponses(client.received);
  t.is(response?.fields.get('last-modified'), response?.fields.get('date'));
  t.is(response?.status, 200, 'a date of this very second is no strong validator');
});

test('requests in one piece are answered in their order', async (t) => {
  const input = [
    get('/hello.txt'),
    get('/missing'),
    get('/docs/').replace('GET', 'HEAD'),
    get('/docs/', `Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
    get('/large.bin', 'Range: bytes=1-2'),
    get('/empty', 'Connection: close'),
    get('/never-answered'),
  ];
  const { client, entries } = await serve(files, input.join(''));
  const responses = parseResponses(client.received, ['GET', 'GET', 'HEAD']);
  t.deepEqual(
    responses.map(({ status }) => status),
    [200, 404, 200, 200, 206, 200],
  );
  t.deepEqual(responses[3]?.content, index);
  t.is(entries.length, 6);
  t.like(entries[1], { method: 'GET', target: '/missing', status: 404, epoch: 0 });
});
