// Which driver a process uses: as a value, opened, and as the options of a command.

import type { Driver } from './driver.js';
import { CaptureDriver } from './capture.js';
import { openTunDriver, type TunDriverOptions } from './tun-open.js';
import { UdpDriver } from './udp.js';

/** What carries the packets of a stack. */
export type DriverChoice =
  /** In UDP: no privilege, any system; the other side speaks it as well. */
  | { readonly kind: 'udp' }
  /** Straight over IP: any client's TCP. */
  | (Pick<TunDriverOptions, 'name' | 'addresses' | 'routes'> & {
      readonly kind: 'tun';
      /** A further address of the stack, of the other family. */
      readonly otherIp?: string | undefined;
    });

/** What carries the packets of a stack, and from where. */
export interface DriverOptions {
  /** The IP address at which the stack is reached: of this machine, or with TUN of the stack alone. */
  readonly ip: string;
  /** The largest IP packet of the path; by default the driver decides. */
  readonly mtu?: number | undefined;
  /** Default: UDP. */
  readonly driver?: DriverChoice | undefined;
  /** A file, pcapng, into which all that passes is written. */
  readonly capture?: string | undefined;
}

/** Rejects with `TunUnavailable`, `CaptureFailed`, or a `RangeError`. */
export async function openDriver({ ip, mtu, driver = { kind: 'udp' }, capture }: DriverOptions): Promise<Driver> {
  const inner = await openInner(driver, ip, mtu === undefined ? {} : { mtu });
  if (capture === undefined) return inner;
  try {
    return new CaptureDriver(inner, capture);
  } catch (error) {
    await inner.close();
    throw error;
  }
}

async function openInner(choice: DriverChoice, ip: string, size: { readonly mtu?: number }): Promise<Driver> {
  if (choice.kind === 'udp') return new UdpDriver({ ip, ...size });
  const { name, addresses, routes, otherIp } = choice;
  return openTunDriver({
    name,
    ips: otherIp === undefined ? [ip] : [ip, otherIp],
    ...size,
    ...(addresses === undefined ? {} : { addresses }),
    ...(routes === undefined ? {} : { routes }),
  });
}

/** The options of a command that chooses a driver, in the notation that help texts have. */
export const DRIVER_FLAGS: readonly { readonly flags: string; readonly description: string }[] = [
  { flags: '--driver <kind>', description: "what carries packets: 'udp', or 'tun' for any client's TCP over IP" },
  { flags: '--tun-name <device>', description: 'the TUN device; made, unless it is there already' },
  {
    flags: '--tun-address <ip/prefix...>',
    description: "this machine's addresses on the device, such as 10.77.0.1/24; the stack's own is another one",
  },
  { flags: '--tun-ip <ip>', description: 'a further address of the stack, of the other family' },
  { flags: '--tun-route <ip/prefix...>', description: 'further destinations that are reached through the device' },
  { flags: '--mtu <bytes>', description: 'the largest IP packet' },
  { flags: '--capture <file>', description: 'write all packets there, as pcapng, for Wireshark' },
];

/** What the options of `DRIVER_FLAGS` give, as parsed. */
export interface DriverFlagValues {
  readonly driver?: string;
  readonly tunName?: string;
  readonly tunAddress?: readonly string[];
  readonly tunIp?: string;
  readonly tunRoute?: readonly string[];
  readonly mtu?: string;
  readonly capture?: string;
}

/** What was said; what was not is left out. Throws a `RangeError` for what can't be, one line. */
export function driverOptionsOf(values: DriverFlagValues): Omit<DriverOptions, 'ip'> {
  const { driver, tunName, tunAddress, tunIp, tunRoute, mtu, capture } = values;
  const tunFlags = { '--tun-name': tunName, '--tun-address': tunAddress, '--tun-ip': tunIp, '--tun-route': tunRoute };
  const given = Object.entries(tunFlags).find(([, value]) => value !== undefined)?.[0];
  if (driver !== 'tun' && given !== undefined) throw new RangeError(`${given} needs --driver tun`);
  if (driver !== undefined && driver !== 'tun' && driver !== 'udp') {
    throw new RangeError(`--driver ${driver}: there are only 'udp' and 'tun'`);
  }
  if (driver === 'tun' && tunName === undefined) throw new RangeError('--driver tun needs --tun-name');
  if (mtu !== undefined && !/^\d{1,5}$/.test(mtu)) throw new RangeError(`--mtu ${mtu}: it must be a number of bytes`);
  return {
    ...(driver === 'udp' ? { driver: { kind: 'udp' } } : {}),
    ...(driver === 'tun' && tunName !== undefined
      ? { driver: { kind: 'tun', name: tunName, addresses: tunAddress ?? [], routes: tunRoute ?? [], otherIp: tunIp } }
      : {}),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    ...(capture === undefined ? {} : { capture }),
  };
}
