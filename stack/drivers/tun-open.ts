// Opening a TUN driver: the options checked, the device made or found, and set up.

import { bytesToIp, ipToBytes } from '../wire/address.js';
import { MIN_MTU, type IpFamily } from '../wire/ip/packet.js';
import { TunDriver } from './tun.js';
import { badOption } from './tun-errors.js';
import { TunLink } from './tun-link.js';
import { setUpDevice } from './tun-set-up.js';
import { interfaceMtu, openTunHandle } from './tun-system.js';

/** Which device, and the addresses on both sides of it. */
export interface TunDriverOptions {
  /** The device, 15 characters at most: made, and gone again with the driver, or one that an administrator has made. */
  readonly name: string;
  /** The stack's own: one address, or one of each family. */
  readonly ips: readonly string[];
  /**
   * This machine's addresses on the device, with prefix ("10.77.0.1/24"): the stack's have to be in those networks, or in
   * `routes`. None for a device that is there already: it is used as it is.
   */
  readonly addresses?: readonly string[];
  /** Further destinations that are reached through the device, with prefix. */
  readonly routes?: readonly string[];
  /** The largest IP packet; default 1,500. Not for a device that is there already. */
  readonly mtu?: number;
}

const DEFAULT_MTU = 1_500;
const MAX_MTU = 65_535;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;

/** Rejects with `TunUnavailable`. Close the driver to be rid of the device. */
export async function openTunDriver(options: TunDriverOptions): Promise<TunDriver> {
  const { name, addresses = [], routes = [], mtu = DEFAULT_MTU } = options;
  if (!NAME.test(name)) throw badOption(`'${name}' is not the name of a device: give up to 15 letters and digits`);
  const ips = checkIps(options.ips);
  checkPrefixes(addresses, ips);
  checkPrefixes(routes, []);
  const smallest = ips.some((ip) => ip.includes(':')) ? MIN_MTU[6] : MIN_MTU[4];
  if (!Number.isInteger(mtu) || mtu < smallest || mtu > MAX_MTU) {
    throw badOption(`${mtu} is not an MTU for these addresses: give one from ${smallest} to ${MAX_MTU}`);
  }
  const mtuBefore = await interfaceMtu(name);
  if (mtuBefore !== undefined && (addresses.length > 0 || routes.length > 0 || options.mtu !== undefined)) {
    throw badOption(
      `the device '${name}' is there already and is used as it is: leave out addresses, routes and MTU, or choose another name`,
    );
  }
  const handle = await openTunHandle(name);
  const link = new TunLink(handle);
  try {
    if (mtuBefore === undefined) await setUpDevice(name, { addresses, routes, mtu });
    return new TunDriver(link, mtuBefore ?? mtu, ips);
  } catch (error) {
    await link.close();
    throw error;
  }
}

function checkIps(texts: readonly string[]): readonly string[] {
  const ips = texts.map((text) => {
    const bytes = ipToBytes(text);
    if (bytes === undefined) throw badOption(`'${text}' is not an IP address: give the stack one of its own`);
    return bytesToIp(bytes);
  });
  const families = new Set<IpFamily>(ips.map((ip) => (ip.includes(':') ? 6 : 4)));
  if (ips.length === 0 || families.size < ips.length) {
    throw badOption('the stack needs one IP address of its own, or one of each family');
  }
  return ips;
}

/** `ips` must not be among the addresses: the kernel would keep their packets for itself. */
function checkPrefixes(texts: readonly string[], ips: readonly string[]): void {
  for (const text of texts) {
    const [address = '', length = ''] = text.split('/');
    const bytes = ipToBytes(address);
    if (bytes === undefined || !/^\d{1,3}$/.test(length) || Number(length) > bytes.length * 8) {
      throw badOption(`'${text}' is not an address with its prefix: it must look like 10.77.0.1/24 or fd77::1/64`);
    }
    if (ips.includes(bytesToIp(bytes))) {
      throw badOption(`${address} can't be the stack's address and this machine's at once: give the stack another one`);
    }
  }
}
