// The kernel's TCP as the stack's client, through a TUN device, a router and a link.

import type { ExecutionContext } from 'ava';
import { openTunDriver, TunUnavailable } from '@migratory/stack';
import { loseForwarded, lostCount, router } from '../support/kernel-network.js';
import { pattern } from '../support/bytes.js';
import { download, inWorld as inWorldWith, onKernel, upload } from './on-kernel.js';
import { STACK_IP, STACK_IP6, URLS, type TunWorld, type WorldOptions } from './tun-world.js';

const BODY = pattern(8 * 1024 * 1024);
const LOSSY_BODY = BODY.subarray(0, 1024 * 1024);

function inWorld(
  title: string,
  body: (t: ExecutionContext, world: TunWorld) => Promise<void>,
  { served = BODY, ...options }: WorldOptions & { readonly served?: Buffer } = {},
): void {
  inWorldWith(title, body, { served, ...options });
}

/** The kinds of what the network says to the stack, as they come. */
function reportsTo({ stack: { host } }: TunWorld): string[] {
  const seen: string[] = [];
  const hear = host.networkReport.bind(host);
  host.networkReport = (now, local, remote, report) => {
    seen.push(report.kind);
    hear(now, local, remote, report);
  };
  return seen;
}

for (const [version, url] of Object.entries(URLS)) {
  inWorld(`${version}: curl downloads, and uploads, what was sent`, async (t, world) => {
    await download(t, world, url, BODY);
    await upload(t, world, url, BODY);
    t.is(world.driver.counters.malformedDrops, 0);
    t.is(world.driver.sendErrors, 0);
  });

  for (const mtu of [1_280, 9_000]) {
    inWorld(`${version}: MTU ${mtu}`, (t, world) => download(t, world, url, BODY), { mtu });
  }

  inWorld(
    `${version}: the router says what is too big for its next link, and segments become shorter`,
    async (t, world) => {
      const seen = reportsTo(world);
      await download(t, world, url, BODY);
      t.true(seen.includes('packet-too-big'));
      t.is(world.stack.counters.resetsSent, 0);
    },
    { narrowMtu: 1_300 },
  );

  inWorld(
    `${version}: after a while the path is tried again, and says again what is too big`,
    async (t, world) => {
      const seen = reportsTo(world);
      // So that the client's memory does not take it all at once.
      await world.client.run('sysctl', '-q', '-w', 'net.ipv4.tcp_rmem=4096 65536 131072');
      await download(t, world, url, BODY, '--limit-rate', '6M');
      t.true(seen.filter((kind) => kind === 'packet-too-big').length > 1, seen.join());
    },
    { narrowMtu: 1_300, tcp: { pathLimitMs: 300 } },
  );

  for (const percent of [1, 5]) {
    const served = percent === 1 ? BODY : LOSSY_BODY;
    inWorld(
      `${version}: ${percent} % of all packets lost`,
      async (t, world) => {
        const heal = loseForwarded(percent);
        try {
          await download(t, world, url, served);
          t.true(lostCount() > 0);
        } finally {
          heal();
        }
      },
      { served, tcp: { maxRtoMs: 2_000 } },
    );
  }

  inWorld(`${version}: ping is answered, large packets too`, async (t, { client, driver }) => {
    const ip = version === 'IPv4' ? STACK_IP : STACK_IP6;
    const said = (await client.run('ping', '-n', '-c', '3', '-i', '0.05', '-s', '1200', ip)).toString();
    t.regex(said, /3 packets transmitted, 3 received/);
    t.is(driver.counters.echoesAnswered, 3);
  });
}

inWorld('a port that nobody has refuses at once', async (t, { client, stack }) => {
  for (const host of [STACK_IP, `[${STACK_IP6}]`]) {
    await t.throwsAsync(client.run('curl', '-sS', '--max-time', '10', `http://${host}:81/`), { message: /\(7\)/ });
  }
  t.is(stack.counters.resetsSent, 2);
});

const HALF_CLOSE = `
import socket, sys
connection = socket.create_connection((sys.argv[1], 80))
connection.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')
connection.shutdown(socket.SHUT_WR)
while piece := connection.recv(65536): sys.stdout.buffer.write(piece)
`;

inWorld('a client that has closed its side still gets everything, and the end', async (t, { client }) => {
  const { status, output } = await client.feed(Buffer.alloc(0), 'python3', '-c', HALF_CLOSE, STACK_IP);
  t.is(status, 0);
  t.true(output.subarray(output.indexOf('\r\n\r\n') + 4).equals(BODY));
});

const RESET = `
import socket, struct, sys
connection = socket.create_connection((sys.argv[1], 80))
connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
connection.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')
connection.recv(1000)
connection.close()
`;

inWorld('a client that resets is gone, and the next one is served', async (t, world) => {
  await world.client.run('python3', '-c', RESET, STACK_IP);
  await download(t, world, URLS.IPv4, BODY);
  while (world.stack.connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.is(world.stack.counters.resetsSent, 0);
});

onKernel('what can not be had is one clear error, and leaves nothing behind', async (t) => {
  const options = { name: 'migratory1', ips: ['10.78.0.2'], addresses: ['10.78.0.1/24'] };
  const failing = async (changes: object): Promise<string> => {
    const error = await t.throwsAsync(openTunDriver({ ...options, ...changes }), { instanceOf: TunUnavailable });
    t.false(error.message.includes('\n'));
    return error.code;
  };
  t.is(await failing({ name: 'lo', addresses: [] }), 'ERR_TUN_NAME_TAKEN');
  t.is(await failing({ name: 'a/b' }), 'ERR_TUN_BAD_OPTION');
  t.is(await failing({ ips: ['10.78.0.1'] }), 'ERR_TUN_BAD_OPTION');
  t.is(await failing({ ips: ['10.78.0.2', '10.78.0.3'] }), 'ERR_TUN_BAD_OPTION');
  t.is(await failing({ mtu: 20 }), 'ERR_TUN_BAD_OPTION');
  t.is(await failing({ routes: ['192.0.2.0/24', '192.0.2.0/24'] }), 'ERR_TUN_SET_UP');
  t.false(router('ip', '-brief', 'link').includes('migratory1'));
  const driver = await openTunDriver(options);
  driver.start({ segment: () => undefined });
  t.is(await failing({ addresses: [] }), 'ERR_TUN_NAME_TAKEN');
  t.is(await failing({}), 'ERR_TUN_BAD_OPTION');
  await driver.close();
  t.false(router('ip', '-brief', 'link').includes('migratory1'));
});
