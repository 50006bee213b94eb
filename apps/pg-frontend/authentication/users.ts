// The users file: who may log in at the front-end, and with which password the front-end logs in to the database for them.
//
//   { "users": [ { "name": "ann", "verifier": "SCRAM-SHA-256$4096:..." , "databasePassword": "..." },
//                { "name": "bob", "password": "..." } ] }
//
// All members have the same file. What it holds is kept where no log, inspection or JSON comes by.

import { inspect } from 'node:util';
import { z } from 'zod';
import { LIMITS } from './limits.js';
import { mockVerifier, saltOf } from './mock-verifier.js';
import { makeVerifier, parseVerifier, type Verifier } from './scram-verifier.js';

/** PostgreSQL's default, for passwords that stand in the file. */
const ITERATION_COUNT = 4096;

/** The file can't be used; the message says where, why and what to do, in one line, and holds no secret. */
export class UsersInvalid extends Error {
  override readonly name = 'UsersInvalid';
}

/** What is secret is behind accessors of the class: JSON does not see those, and `util.inspect` is told not to call them. */
export class KnownUser {
  readonly kind = 'known';
  readonly #verifier: Verifier;
  readonly #databasePassword: string | undefined;

  constructor(verifier: Verifier, databasePassword: string | undefined) {
    this.#verifier = verifier;
    this.#databasePassword = databasePassword;
  }

  get verifier(): Verifier {
    return this.#verifier;
  }

  /** Undefined where the front-end is to log in without one. */
  get databasePassword(): string | undefined {
    return this.#databasePassword;
  }

  [inspect.custom](): string {
    return 'KnownUser {}';
  }
}

/** A name that is not in the file. Its verifier is a mock: no password fits. */
export class UnknownUser {
  readonly kind = 'unknown';
  readonly #verifier: Verifier;

  constructor(verifier: Verifier) {
    this.#verifier = verifier;
  }

  get verifier(): Verifier {
    return this.#verifier;
  }

  [inspect.custom](): string {
    return 'UnknownUser {}';
  }
}

export class Users {
  readonly #known: ReadonlyMap<string, KnownUser>;
  readonly #secret: Uint8Array;
  readonly #iterationCount: number;

  constructor(known: ReadonlyMap<string, KnownUser>, secret: Uint8Array) {
    this.#known = known;
    this.#secret = secret;
    this.#iterationCount = usualIterationCount([...known.values()]);
  }

  get count(): number {
    return this.#known.size;
  }

  /** The mock is made for a known name too, so that both take the same time. */
  find(name: string): KnownUser | UnknownUser {
    const unknown = new UnknownUser(mockVerifier(this.#secret, name, this.#iterationCount));
    return this.#known.get(name) ?? unknown;
  }
}

const name = z
  .string()
  .min(1, { error: 'may not be empty' })
  .refine((text) => Buffer.byteLength(text) <= LIMITS.userNameLength, {
    error: `may have at most ${LIMITS.userNameLength} bytes, as a name in PostgreSQL`,
  })
  .refine((text) => !text.includes('\0'), { error: 'may not have a zero byte: no client can send it' });

const password = z
  .string()
  .min(1, { error: 'may not be empty: PostgreSQL takes no empty password' })
  .max(LIMITS.passwordLength, { error: `may have at most ${LIMITS.passwordLength} characters` })
  .refine((text) => !text.includes('\0'), { error: 'may not have a zero byte: no client can send it' });

const verifier = z.string().transform((text, context): Verifier => {
  const parsed = parseVerifier(text);
  if (parsed.kind === 'verifier') return parsed.verifier;
  context.issues.push({ code: 'custom', message: parsed.detail, input: text });
  return z.NEVER;
});

const userSchema = z
  .strictObject({
    name,
    /** As in pg_authid.rolpassword. */
    verifier: verifier.optional(),
    /** Plain, for development; a verifier is made of it. */
    password: password.optional(),
    /** For the database; `password` where there is none. */
    databasePassword: password.optional(),
  })
  .refine((user) => (user.verifier === undefined) !== (user.password === undefined), {
    error: 'needs one of verifier and password, and not both',
  });

type UserEntry = z.infer<typeof userSchema>;

const usersSchema = z.strictObject({
  users: z.array(userSchema).max(LIMITS.userCount, { error: `may be at most ${LIMITS.userCount}` }),
});

/**
 * `secret` is one that all members share and nobody else knows: salts come from it. Rejects with `UsersInvalid`.
 */
export async function parseUsers(text: string, secret: Uint8Array): Promise<Users> {
  const entries = checkUsers(text);
  const known = await Promise.all(entries.map((entry) => makeUser(entry, secret)));
  return new Users(new Map(known), secret);
}

function checkUsers(text: string): readonly UserEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsersInvalid('it is no JSON'); // the engine's own message would quote the file
  }
  const parsed = usersSchema.safeParse(value);
  if (!parsed.success) {
    throw new UsersInvalid(describe(parsed.error.issues));
  }
  const { users } = parsed.data;
  const seen = new Set<string>();
  for (const [index, user] of users.entries()) {
    if (seen.has(user.name)) throw new UsersInvalid(`users.${index}.name: stands there twice; remove one of them`);
    seen.add(user.name);
  }
  return users;
}

/** In one line, however many there are. */
function describe(issues: readonly z.core.$ZodIssue[]): string {
  const shown = issues
    .slice(0, LIMITS.complaintCount)
    .map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  const others = issues.length - shown.length;
  return [...shown, ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}

async function makeUser(entry: UserEntry, secret: Uint8Array): Promise<[string, KnownUser]> {
  const { databasePassword = entry.password } = entry;
  const own = entry.verifier ?? (await makeVerifier(entry.password ?? '', saltOf(secret, entry.name), ITERATION_COUNT));
  return [entry.name, new KnownUser(own, databasePassword)];
}

/** What most have: an unknown user stands out least with it. */
function usualIterationCount(users: readonly KnownUser[]): number {
  const counts = new Map<number, number>();
  for (const user of users) {
    const { iterationCount } = user.verifier;
    counts.set(iterationCount, (counts.get(iterationCount) ?? 0) + 1);
  }
  const [usual] = [...counts].sort(([, one], [, other]) => other - one);
  return usual?.[0] ?? ITERATION_COUNT;
}
