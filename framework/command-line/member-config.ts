// The description of one member: the JSON file of `--config`, checked, and what it becomes for the stack.
//
// All members of a service have the same list of members and the same service key; `id` and the certificate are a member's own.

import { z } from 'zod';
import type { MemberOptions } from '../index.js';
import { CommandFailed } from './failure.js';
import { readNamed } from './file-store.js';

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
  /** PEM: the service's Ed25519 private key, the same at every member. */
  serviceKeyFile: file,
  /** PEM, for the channel between members. Names of files count from the place of this description. */
  tls: z.strictObject({ certificateAuthorityFile: file, certificateFile: file, privateKeyFile: file }),
});

export type MemberConfig = z.infer<typeof memberSchema>;

/** Throws `CommandFailed`; the message says where and why. */
export function readConfig(path: string): MemberConfig {
  const invalid = (problem: string): CommandFailed => new CommandFailed(`${path}: ${problem}`);
  const text = readNamed(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('it is no JSON');
  }
  const parsed = memberSchema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw invalid(issues.join('; '));
  }
  const { id: own, members } = parsed.data;
  const ids = members.map((member) => member.id);
  if (!ids.includes(own)) throw invalid(`members: none has the id ${own}`);
  if (new Set(ids).size < ids.length) throw invalid('members: two have the same id');
  return parsed.data;
}

/** `read` gives the text of a file that the description names. Throws what `read` throws. */
export function stackOptionsOf(config: MemberConfig, read: (name: string) => string): MemberOptions['stack'] {
  const { tls } = config;
  return {
    ip: config.ip,
    membership: {
      id: config.id,
      members: config.members,
      serviceKey: read(config.serviceKeyFile),
      tls: {
        certificateAuthority: read(tls.certificateAuthorityFile),
        certificate: read(tls.certificateFile),
        privateKey: read(tls.privateKeyFile),
      },
    },
  };
}
