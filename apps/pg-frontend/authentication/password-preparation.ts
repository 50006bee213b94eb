// SASLprep (RFC 4013), the way PostgreSQL prepares a password before it is hashed.
//
// Both ends prepare for themselves, so what counts is to come to the same bytes as PostgreSQL's programs do:
//   P1. A password that SASLprep does not allow is used as it is, and so is one of ASCII alone, control characters included.
//   P2. Mapping comes first, the checks look at what is mapped and not yet normalised, NFKC comes last.
//
// What Unicode 3.2 knew, normalises today as it did then; the engine's NFKC will do.

import {
  everywhere,
  LEFT_TO_RIGHT_BUT_NO_LETTER,
  LETTER_OF_NO_DIRECTION,
  MAPPED_TO_NOTHING,
  OTHER_SPACES,
  PROHIBITED,
  RIGHT_TO_LEFT,
  UNASSIGNED,
} from './prepared-characters.js';

const ASCII = /^\p{ASCII}*$/u;
const LETTER = /[\p{L}\p{Nl}\p{Mc}]/u;
const SPACES = everywhere(OTHER_SPACES);
const NOTHING = everywhere(MAPPED_TO_NOTHING);

/** The password to hash. */
export function preparePassword(password: string): string {
  if (ASCII.test(password)) return password; // P1
  const mapped = password.replace(SPACES, ' ').replace(NOTHING, '');
  const isAllowed = mapped !== '' && !PROHIBITED.test(mapped) && !UNASSIGNED.test(mapped) && hasOneDirection(mapped);
  return isAllowed ? mapped.normalize('NFKC') : password; // P1, P2
}

/** RFC 3454 section 6: where something runs from right to left, nothing runs from left to right, and both ends run so. */
function hasOneDirection(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return true;
  const characters = Array.from(text);
  if (characters.some(runsLeftToRight)) return false;
  return [characters[0] ?? '', characters.at(-1) ?? ''].every((character) => RIGHT_TO_LEFT.test(character));
}

function runsLeftToRight(character: string): boolean {
  if (LEFT_TO_RIGHT_BUT_NO_LETTER.test(character)) return true;
  return LETTER.test(character) && !RIGHT_TO_LEFT.test(character) && !LETTER_OF_NO_DIRECTION.test(character);
}
