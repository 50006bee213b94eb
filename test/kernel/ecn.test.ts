// Explicit congestion notification with the kernel's TCP: its client asks for it, and the router marks what passes.

import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from '../support/bytes.js';
import { markForwarded } from '../support/kernel-network.js';
import { download, inWorld, upload } from './on-kernel.js';
import { URLS, type TunWorld } from './tun-world.js';

const BODY = pattern(8 * 1024 * 1024, 4);
const MARKED_EVERY = 20;

interface Seen {
  syns: number;
  /** Packets with data that may be marked, or were. */
  capable: number;
  experienced: number;
  echoes: number;
  reductions: number;
}

function none(): Seen {
  return { syns: 0, capable: 0, experienced: 0, echoes: 0, reductions: 0 };
}

function note(seen: Seen, { flags, ecn }: Segment): void {
  const has = (flag: number): number => ((flags & flag) === 0 ? 0 : 1);
  if (has(FLAG.syn)) {
    seen.syns += has(FLAG.ece);
    return;
  }
  seen.capable += ecn === 'capable' ? 1 : 0;
  seen.experienced += ecn === 'experienced' ? 1 : 0;
  seen.echoes += has(FLAG.ece);
  seen.reductions += has(FLAG.cwr);
}

/** Looks at what passes between the stack and the device, from now on. */
function watch({ driver, stack }: TunWorld): { readonly sent: Seen; readonly received: Seen } {
  const [sent, received] = [none(), none()];
  const [transmit, receive] = [driver.transmit.bind(driver), stack.host.receive.bind(stack.host)];
  driver.transmit = (local, remote, segment) => {
    note(sent, segment);
    transmit(local, remote, segment);
  };
  stack.host.receive = (now, local, remote, segment) => {
    note(received, segment);
    receive(now, local, remote, segment);
  };
  return { sent, received };
}

for (const [version, url] of Object.entries(URLS)) {
  inWorld(
    `${version}: the kernel asks for it, both ends tell of marks`,
    async (t, world) => {
      await world.client.run('sysctl', '-q', '-w', 'net.ipv4.tcp_ecn=1');
      const { sent, received } = watch(world);
      const heal = markForwarded(MARKED_EVERY);
      try {
        await download(t, world, url, BODY);
        t.is(received.syns, 1);
        t.is(sent.syns, 1);
        t.true(sent.capable > 0);
        t.true(received.echoes > 0, 'the kernel tells of marks');
        t.true(sent.reductions > 0, 'we tell of our reduction');
        await upload(t, world, url, BODY);
        t.true(received.experienced > 0);
        t.true(sent.echoes > 0, 'we tell of marks');
        t.true(received.reductions > 0, 'the kernel tells of its reduction');
      } finally {
        heal();
      }
    },
    { served: BODY },
  );

  inWorld(
    `${version}: a kernel that does not ask gets none`,
    async (t, world) => {
      await world.client.run('sysctl', '-q', '-w', 'net.ipv4.tcp_ecn=0');
      const { sent, received } = watch(world);
      await download(t, world, url, BODY);
      t.deepEqual([sent, received], [none(), none()]);
    },
    { served: BODY },
  );
}
