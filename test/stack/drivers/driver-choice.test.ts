// The options of commands that choose a driver: what they mean, and what can't be.

import test from 'ava';
import { driverOptionsOf, type DriverFlagValues } from '@migratory/stack';

test('nothing said is nothing chosen', (t) => {
  t.deepEqual(driverOptionsOf({}), {});
  t.deepEqual(driverOptionsOf({ driver: 'udp', capture: 'f', mtu: '1400' }), {
    driver: { kind: 'udp' },
    capture: 'f',
    mtu: 1_400,
  });
});

test('a TUN device with all that belongs to it', (t) => {
  const flags = { driver: 'tun', tunName: 'm0', tunAddress: ['10.77.0.1/24'], tunIp: 'fd77::2' };
  t.deepEqual(driverOptionsOf(flags), {
    driver: { kind: 'tun', name: 'm0', addresses: ['10.77.0.1/24'], routes: [], otherIp: 'fd77::2' },
  });
});

const WRONG: readonly (readonly [DriverFlagValues, RegExp])[] = [
  [{ driver: 'tap' }, /--driver tap: .*'udp' and 'tun'/],
  [{ driver: 'tun' }, /needs --tun-name/],
  [{ tunName: 'm0' }, /--tun-name needs --driver tun/],
  [{ driver: 'udp', tunAddress: ['10.0.0.1/8'] }, /--tun-address needs --driver tun/],
  [{ driver: 'udp', tunRoute: ['10.0.0.1/8'] }, /--tun-route needs --driver tun/],
  [{ tunIp: '::1' }, /--tun-ip needs --driver tun/],
  [{ mtu: 'large' }, /--mtu large: it must be a number/],
];

for (const [flags, line] of WRONG) {
  test(`${JSON.stringify(flags)} is refused with one line`, (t) => {
    const error = t.throws(() => driverOptionsOf(flags), { instanceOf: RangeError });
    t.regex(error.message, line);
    t.false(error.message.includes('\n'));
  });
}
