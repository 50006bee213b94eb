// Sequence numbers that pass 2^32 in the middle of a transfer, ours and the kernel's, while nothing comes in order.

import type { ExecutionContext } from 'ava';
import { pattern } from '../support/bytes.js';
import { DisorderDriver, MUCH_DISORDER } from './disorder-driver.js';
import { download, onKernel } from './on-kernel.js';
import { httpServer, STACK_IP, STACK_IP6, URLS } from './tun-world.js';
import { CLIENT_FROM_NUMBER, openWrappingWorld, START_NUMBERS, type WrappingWorld } from './wrapping-world.js';

const BODY = pattern(4 * 1024 * 1024, 3);
const BEFORE_WRAP = 2 * 1024 * 1024;

/** Sends what it reads as a request's body, and prints what it is answered. */
const UPLOAD = `${CLIENT_FROM_NUMBER}
body = sys.stdin.buffer.read()
client.sendall(b'POST / HTTP/1.1\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body)
client.shutdown(socket.SHUT_WR)
while piece := client.recv(65536): sys.stdout.buffer.write(piece)
`;

function wrapping(
  title: string,
  body: (t: ExecutionContext, world: WrappingWorld, url: string) => Promise<void>,
): void {
  for (const family of [4, 6] as const) {
    onKernel(`IPv${family}: ${title}`, async (t) => {
      const world = await openWrappingWorld(family, BEFORE_WRAP, httpServer(BODY), {
        around: (driver) => new DisorderDriver(driver, MUCH_DISORDER),
      });
      try {
        await body(t, world, URLS[`IPv${family}`]);
      } finally {
        await world.close();
      }
    });
  }
}

wrapping('our sequence numbers wrap in the middle of a download', async (t, world, url) => {
  await download(t, world, url, BODY, ...world.flags);
  t.true(world.sent.first >= 2 ** 32 - BEFORE_WRAP && world.sent.first < 2 ** 32 - BEFORE_WRAP + START_NUMBERS);
  t.true(world.sent.hasWrapped);
});

wrapping("the kernel's sequence numbers wrap in the middle of an upload", async (t, world, url) => {
  const first = 2 ** 32 - BEFORE_WRAP;
  const ip = url === URLS.IPv4 ? STACK_IP : STACK_IP6;
  const { status, output } = await world.client.feed(BODY, 'python3', '-c', UPLOAD, ip, String(first));
  t.is(status, 0);
  t.true(output.subarray(output.indexOf('\r\n\r\n') + 4).equals(BODY));
  t.is(world.received.first, first);
  t.true(world.received.hasWrapped);
});
