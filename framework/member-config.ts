// The subpath `@migratory/framework/member-config`: the description of one member, JSON, checked, and what it becomes for
// `startMember`.
//
// All members of a service have the same list of members and the same service key; `id` and the certificate are a member's own.

import type { DriverChoice } from '@migratory/stack';
import { z } from 'zod';
import type { MemberOptions } from './member.js';

export { DRIVER_FLAGS, driverOptionsOf, type DriverFlagValues } from '@migratory/stack';

const id = z.int().min(1).max(0xffff);
const port = z.int().min(1).max(0xffff);
const ip = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' });
const file = z.string().min(1);

const memberSchema = z.strictObject({
  /** Of this member; one of `members`. */
  id,
  /** Where clients find this member. */
  ip,
  port,
  members: z
    .array(
      z.strictObject({
        id,
        /** Where clients find it. */
        address: z.strictObject({ ip, port }),
        /** Where the other members find it. */
        peer: z.strictObject({ host: z.string().min(1), port }),
      }),
    )
    .min(1),
  /** What carries the packets of clients: UDP, or a TUN device for any client's TCP over IP. Default: UDP. */
  driver: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('udp') }),
      z.strictObject({
        kind: z.literal('tun'),
        name: z.string().min(1),
        /** This machine's addresses on the device, with prefix; `ip` is another one in their networks. */
        addresses: z.array(z.string()).optional(),
        routes: z.array(z.string()).optional(),
        /** A further address of the stack, of the other family than `ip`. */
        otherIp: ip.optional(),
      }),
    ])
    .optional(),
  /** The largest IP packet. */
  mtu: z.int().min(68).max(65_535).optional(),
  /** PEM: the service's Ed25519 private key, the same at every member. */
  serviceKeyFile: file,
  /** PEM, for the channel between members. Names of files count from the place of this description. */
  tls: z.strictObject({ certificateAuthorityFile: file, certificateFile: file, privateKeyFile: file }),
});

/** A description that was found to be in order; the names of files are still names. */
export type MemberConfig = z.infer<typeof memberSchema>;

/** The description can't be used; the message says where and why, in one line. */
export class MemberConfigInvalid extends Error {
  override readonly name = 'MemberConfigInvalid';
}

/** Throws `MemberConfigInvalid`. */
export function parseMemberConfig(text: string): MemberConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MemberConfigInvalid('it is no JSON');
  }
  const parsed = memberSchema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw new MemberConfigInvalid(issues.join('; '));
  }
  const { id: own, members } = parsed.data;
  const ids = members.map((member) => member.id);
  if (!ids.includes(own)) throw new MemberConfigInvalid(`members: none has the id ${own}`);
  if (new Set(ids).size < ids.length) throw new MemberConfigInvalid('members: two have the same id');
  return parsed.data;
}

function driverOf(driver: NonNullable<MemberConfig['driver']>): DriverChoice {
  if (driver.kind === 'udp') return driver;
  const { kind, name, addresses = [], routes = [], otherIp } = driver;
  return { kind, name, addresses, routes, otherIp };
}

/** `read` gives the text of a file that the description names. Rejects with what `read` throws or rejects with. */
export async function stackOptionsOf(
  config: MemberConfig,
  read: (name: string) => string | Promise<string>,
): Promise<MemberOptions['stack']> {
  const { tls, driver, mtu } = config;
  return {
    ip: config.ip,
    ...(driver === undefined ? {} : { driver: driverOf(driver) }),
    ...(mtu === undefined ? {} : { mtu }),
    membership: {
      id: config.id,
      members: config.members,
      serviceKey: await read(config.serviceKeyFile),
      tls: {
        certificateAuthority: await read(tls.certificateAuthorityFile),
        certificate: await read(tls.certificateFile),
        privateKey: await read(tls.privateKeyFile),
      },
    },
  };
}
