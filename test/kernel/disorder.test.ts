// Out of order and twice: the kernel's TCP against the stack over a path that loses nothing and keeps no order, both ways.

import { pattern } from '../support/bytes.js';
import { DisorderDriver, LITTLE_DISORDER, MUCH_DISORDER } from './disorder-driver.js';
import { inWorld, download, upload } from './on-kernel.js';
import { URLS } from './tun-world.js';

const BODY = pattern(8 * 1024 * 1024, 2);

for (const [version, url] of Object.entries(URLS)) {
  for (const [degree, disorder] of Object.entries({ little: LITTLE_DISORDER, much: MUCH_DISORDER })) {
    const drivers: DisorderDriver[] = [];
    inWorld(
      `${version}: ${degree} out of order and twice, down and up`,
      async (t, world) => {
        await download(t, world, url, BODY);
        await upload(t, world, url, BODY);
        const [driver] = drivers;
        for (const { passed, held, doubled } of driver === undefined ? [] : [driver.sent, driver.received]) {
          t.true(held > passed * disorder.heldRate * 0.5, `${held} of ${passed} held back`);
          t.true(doubled > passed * disorder.doubledRate * 0.5, `${doubled} of ${passed} sent twice`);
        }
        t.is(world.driver.counters.malformedDrops, 0);
      },
      {
        served: BODY,
        around: (inner) => {
          const driver = new DisorderDriver(inner, disorder);
          drivers.push(driver);
          return driver;
        },
      },
    );
  }
}
