// Whatever can be in a snapshot field, for property tests.

import fc from 'fast-check';

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.double().map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(
    null,
    undefined,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2 ** 31,
    -(2 ** 31) - 1,
    2n ** 63n,
    -(2n ** 64n),
  ),
  fc.date(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
);
const key = fc.string().filter((name) => name !== '__proto__');

/** Any data, of any type that can travel, nested three levels deep. */
export const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('data'), { maxLength: 4 }),
    fc.dictionary(key, tie('data'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(scalar, tie('data')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(scalar, { maxLength: 4 }).map((items) => new Set(items)),
  ),
}));
