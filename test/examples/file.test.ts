// The file server: moves change nothing of what it sends; it answers as the one on node:net, in about as many lines.

import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { FileServer } from '@migratory/examples/file.js';
import { crashEverywhere, migrateEverywhere } from '@migratory/framework/testing';

/** The folder that is served is that in which the tests run. */
const requests = {
  large: 'GET /package-lock.json HTTP/1.1\r\nHost: a\r\n\r\n',
  small: 'GET /LICENSE HTTP/1.1\r\n\r\n',
  missing: 'GET /nothing HTTP/1.1\r\n\r\n',
  folder: 'GET /docs HTTP/1.1\r\n\r\n',
  outside: 'GET /../LICENSE HTTP/1.1\r\n\r\n',
  other: 'POST /LICENSE HTTP/1.1\r\n\r\n',
};

for (const [name, input] of Object.entries(requests)) {
  test.serial(
    `${name}: it answers as the server without migration does, wherever it moves and whichever member dies`,
    async (t) => {
      const answer = await answerOnNodeNet(input);
      t.regex(answer.subarray(0, 15).toString(), /^HTTP\/1.1 [24]0[04] /);
      const scenario = { input: [{ send: input }, { expect: answer }] };
      const { moves } = await migrateEverywhere(FileServer, scenario);
      t.true(moves > 5);
      await t.notThrowsAsync(crashEverywhere(FileServer, scenario));
    },
  );
}

async function answerOnNodeNet(request: string): Promise<Buffer> {
  process.env.PORT = '0';
  const { server } = await import('@migratory/examples/file-without-migration.js');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.end(request);
  return buffer(client);
}

test.after.always(async () => {
  const { server } = await import('@migratory/examples/file-without-migration.js');
  server.close();
});

test('moving costs less than a tenth more lines', (t) => {
  const [moving, staying] = ['file', 'file-without-migration'].map((name) => codeLines(`examples/${name}.ts`));
  t.true(staying !== undefined && moving !== undefined && moving <= staying * 1.1, `${moving} and ${staying} lines`);
});

/** Without blank lines and comments. */
function codeLines(path: string): number {
  const lines = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').split('\n');
  return lines.filter((line) => !/^\s*(?:$|\/\/|\/\*|\*)/.test(line)).length;
}
