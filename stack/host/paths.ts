// The path of a connection: under which key the tables have it, and what TCP is on it.

import type { TcpConfig } from '../tcp/config.js';
import type { Address } from '../wire/address.js';

/** By the version of IP, since their headers differ in length. */
export interface TcpChoice {
  readonly tcp: TcpConfig;
  /** Where the driver carries both. */
  readonly tcpOverIpv6?: TcpConfig;
}

export function tcpFor({ tcp, tcpOverIpv6 = tcp }: TcpChoice, local: Address): TcpConfig {
  return local.ip.includes(':') ? tcpOverIpv6 : tcp;
}

export function pathKey(local: Address, remote: Address): string {
  return `${local.port}|${remote.port}|${remote.ip}|${local.ip}`;
}
