// A stack for a process: TCP in UDP or straight over IP, the system's clock and randomness, and mutual TLS between the members.

import { ipToBytes, type Address } from './wire/address.js';
import type { MemberId } from './wire/migrate-options.js';
import type { Driver } from './drivers/driver.js';
import { openDriver, type DriverOptions } from './drivers/driver-choice.js';
import { openPeerChannel, type NodePeerChannel, type PeerEndpoint } from './drivers/peer-channel.js';
import type { PeerEvent } from './drivers/peer-events.js';
import { SystemClock, SystemEntropy } from './drivers/system.js';
import { serviceIdentity } from './migration/keys.js';
import { MAX_MEMBERS } from './migration/setup-record.js';
import { Stack, type StackOptions } from './socket/stack.js';

/** One member of a service, as every member is told of it. */
export interface MemberEntry {
  readonly id: MemberId;
  /** Where clients find it. */
  readonly address: Address;
  /** Where the other members find it. */
  readonly peer: PeerEndpoint;
}

/** What makes a stack one member of a service. */
export interface NodeMembership {
  /** This member's id; an entry of `members`. */
  readonly id: MemberId;
  readonly members: readonly MemberEntry[];
  /** The service's Ed25519 private key in PEM, the same at every member. */
  readonly serviceKey: string;
  /** PEM: the cluster's certificate authority, this member's certificate and its key. */
  readonly tls: { readonly certificateAuthority: string; readonly certificate: string; readonly privateKey: string };
  /** Told about sessions with other members; no secret is in it. */
  readonly report?: (event: PeerEvent) => void;
}

/** What `createNodeStack` takes. */
export interface NodeStackOptions
  extends Pick<StackOptions, 'tcp' | 'migration' | 'limits' | 'lingerMs'>, DriverOptions {
  /** Makes the stack a member of a service. */
  readonly membership?: NodeMembership;
}

/**
 * Rejects with `BindFailed`, `PeerListenFailed`, `PeerCredentialsInvalid`, `TunUnavailable`, `CaptureFailed`, `InvalidKey` or a
 * `RangeError`.
 */
export async function createNodeStack(options: NodeStackOptions): Promise<Stack> {
  const { ip, mtu, driver: choice, capture, membership, ...limits } = options;
  const driver = await openDriver({ ip, mtu, driver: choice, capture });
  try {
    return await stackOn(driver, membership, limits);
  } catch (error) {
    await driver.close();
    throw error;
  }
}

async function stackOn(
  driver: Driver,
  membership: NodeMembership | undefined,
  limits: Pick<StackOptions, 'tcp' | 'migration' | 'limits' | 'lingerMs'>,
): Promise<Stack> {
  const clock = new SystemClock();
  const entropy = new SystemEntropy();
  const base = { ...limits, driver, clock, entropy };
  if (membership === undefined) return new Stack(base);
  const { id, members } = membership;
  checkMembers(members, driver.family);
  const identity = serviceIdentity(membership.serviceKey);
  const channel = await openChannel(membership, clock, entropy);
  try {
    const stack = new Stack({ ...base, membership: { id, members, identity, channel } });
    channel.prepare();
    return stack;
  } catch (error) {
    await channel.close();
    throw error;
  }
}

function checkMembers(members: readonly MemberEntry[], family: Driver['family']): void {
  if (members.length > MAX_MEMBERS) {
    throw new RangeError(`a service has at most ${MAX_MEMBERS} members, not ${members.length}`);
  }
  const seen = new Set<MemberId>();
  for (const { id, address } of members) {
    if (!Number.isInteger(id) || id < 1 || id > 0xffff) {
      throw new RangeError(`${id} is not a member id: give each member a number from 1 to 65535`);
    }
    if (seen.has(id)) throw new RangeError(`two members have the id ${id}: give each its own`);
    seen.add(id);
    const { ip, port } = address;
    const length = ipToBytes(ip)?.length;
    if (length === undefined || (family !== 'both' && length !== (family === 6 ? 16 : 4))) {
      const wanted = family === 'both' ? 'IP address' : `IPv${family} address like this member's`;
      throw new RangeError(`the address of member ${id}, '${ip}', is not an ${wanted}`);
    }
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new RangeError(`the address of member ${id} needs a port from 1 to 65535, not ${port}`);
    }
  }
}

async function openChannel(
  { id, members, tls, report }: NodeMembership,
  clock: SystemClock,
  entropy: SystemEntropy,
): Promise<NodePeerChannel> {
  const own = members.find((member) => member.id === id);
  if (own === undefined) throw new RangeError(`member ${id} is not among the service's members: add its entry`);
  const peers = new Map(members.map((member) => [member.id, member.peer]));
  return openPeerChannel({
    member: id,
    listen: own.peer,
    peers,
    tls,
    entropy,
    clock,
    ...(report === undefined ? {} : { report }),
  });
}
