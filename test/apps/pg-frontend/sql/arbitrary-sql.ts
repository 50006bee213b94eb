// Texts of SQL for property tests: pieces that hide semicolons and commits the ways SQL has for it, and statements made of them.

import fc from 'fast-check';
import type { StandardConformingStrings } from '@migratory/pg-frontend/internal/sql/lexer.js';

/** What must not be seen where it is hidden. */
const secret = fc.constantFrom(
  ...[
    '; COMMIT;',
    ';',
    'COMMIT',
    "'",
    '"',
    '\\',
    '--',
    '/*',
    '*/',
    '$$',
    '$a$',
    '\n',
    ';ROLLBACK;',
    'x',
    ' ',
    'é',
    '$1',
  ],
);
const secrets = fc.array(secret, { maxLength: 5 }).map((parts) => parts.join(''));
const lineBreak = fc.constantFrom('\n', ' \r\n\t', ' -- it goes on; COMMIT\n ');

const comment = fc.oneof(
  secrets.map((text) => `-- ${text.replace(/[\r\n]/g, ' ')}\n`),
  secrets.map((text) => `/*${text.replace(/\/|\*/g, '')} /* ; COMMIT; */ */`),
  fc.constantFrom('/**/', '/***/', '/*/ /**/ */', '/*--*/', '/*"\'$$*/'),
);
/** Blanks and comments, never empty. */
export const gap = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(' ', '\n', '\t', '\r\n', '\f') }, comment), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => ` ${parts.join('')}`);

const ordinaryString = (setting: StandardConformingStrings): fc.Arbitrary<string> =>
  secrets.map((text) => quoted(setting === 'on' ? text : text.replaceAll('\\', '\\\\')));
const escapeString = secrets.map((text) => `e'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`);
const longString = (setting: StandardConformingStrings): fc.Arbitrary<string> =>
  fc
    .tuple(fc.oneof(ordinaryString(setting), escapeString), lineBreak, fc.constantFrom("''", "'; COMMIT'"))
    .map((parts) => parts.join(''));
const dollarString = fc
  .tuple(secrets, fc.constantFrom('$x$', '$Tag_1$', '$é$'))
  .filter(([text, tag]) => `${text}${tag}`.indexOf(tag) === text.length) // the pieces of a text may make up the tag
  .map(([text, tag]) => `${tag}${text}${tag}`);
const prefixed = (setting: StandardConformingStrings): fc.Arbitrary<string> =>
  fc.constantFrom(
    "B'01'",
    "x'1f'",
    "N'a;b'",
    ...(setting === 'on' ? [String.raw`U&'\0041;'`, "U&'!003b' UESCAPE '!'"] : []),
  );

/** An expression that hides whatever it likes. */
const hiding = (setting: StandardConformingStrings): fc.Arbitrary<string> =>
  fc.oneof(
    ordinaryString(setting),
    escapeString,
    longString(setting),
    dollarString,
    prefixed(setting),
    fc.constantFrom('1', '1.5e-3', '.5', '0x1F', '1_000', '2 / 1', '(1)', '- -1', '1 <> -1', 'ARRAY[1,2]', '1::text'),
    fc.constantFrom('CASE WHEN true THEN 1 END', '(CASE 1 WHEN 2 THEN 3 ELSE (SELECT 4) END)', 'NULL'),
  );

const alias = fc.oneof(
  fc.constantFrom(
    '',
    ' AS commit',
    ' AS "end"',
    ' a$b$c',
    ' AS a$$',
    ' AS "x;""COMMIT;"',
    ' AS U&"\\0041;"',
    ' AS end',
  ),
);

const select = (setting: StandardConformingStrings): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('SELECT', 'select', 'SeLeCt'),
      gap,
      fc.array(fc.tuple(hiding(setting), alias), { minLength: 1, maxLength: 3 }),
    )
    .map(([word, blank, items]) => `${word}${blank}${items.map((item) => item.join('')).join(', ')}`);

const withBodies = fc.constantFrom(
  'CREATE OR REPLACE FUNCTION pg_temp.a(i int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN i > 1 THEN 2 END; END',
  'create or replace function pg_temp.b() returns int language sql begin /* ; */ atomic ; select 1 end; select 2; end',
  'CREATE OR REPLACE PROCEDURE pg_temp.c(begin int) BEGIN ATOMIC SELECT 1; END',
  'CREATE OR REPLACE FUNCTION pg_temp.d() RETURNS int LANGUAGE sql AS $$SELECT 1; SELECT 2; $$',
  'CREATE OR REPLACE RULE r AS ON INSERT TO ruled DO ALSO (SELECT 1; NOTIFY x; (SELECT 2))',
  'CREATE OR REPLACE RULE r AS ON INSERT TO ruled DO ALSO (SELECT 1;)',
  "DO $do$BEGIN PERFORM ';'; END$do$",
  'SELECT begin atomic FROM (SELECT 1 AS begin) AS end_',
);

/** Statements that leave the transaction as it is, and that the server accepts in a transaction block. */
export const harmless = (setting: StandardConformingStrings): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: select(setting) }, { weight: 1, arbitrary: withBodies });

const anyCase = (words: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: words.length, maxLength: words.length })
    .map((capitals) =>
      Array.from(words, (letter, at) => (capitals[at] === true ? letter.toUpperCase() : letter)).join(''),
    );

/** The words with blanks and comments between them, in any case. */
export const spoken = (words: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(...words.map((word) => fc.tuple(anyCase(word), gap)))
    .map((pairs) => pairs.map(([word, blank], at) => (at === pairs.length - 1 ? word : word + blank)).join(''));

export const COMMITS = [
  ...['commit', 'end', 'commit work', 'end work', 'commit transaction', 'end transaction'],
  ...['commit and no chain', 'end transaction and no chain'],
];
export const ROLLBACKS = ['rollback', 'abort', 'rollback work', 'abort transaction', 'rollback work and no chain'];
export const CHAINS = ['commit and chain', 'end work and chain', 'rollback and chain', 'abort transaction and chain'];

export const oneOf = (commands: readonly string[]): fc.Arbitrary<string> =>
  fc.constantFrom(...commands).chain((command) => spoken(command.split(' ')));

/** What the lexer stumbles over, in any order. */
export const soup = fc
  .array(
    fc.constantFrom(
      ...[
        "'",
        "''",
        "e'",
        "x'",
        '"',
        '""',
        '$$',
        '$a$',
        '$',
        '--',
        '\n',
        '/*',
        '*/',
        '/',
        '*',
        ';',
        ';',
        ' ',
        ' ',
        '\\',
      ],
      ...[
        'SELECT',
        ' 1',
        '1',
        'e',
        'a',
        '(',
        ')',
        ' COMMIT ',
        ';COMMIT;',
        ' END ',
        '-',
        '.',
        'U&',
        "'a'",
        "n'",
        '0x',
        '_',
        'é',
      ],
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''));

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
