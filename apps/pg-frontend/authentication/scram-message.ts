// The attributes of SCRAM messages (RFC 5802 section 5.1), and the complaints about them in PostgreSQL's words.
//
// Messages are Latin-1 here: one character for each byte, whatever the client meant by it, so nothing is lost on the way into
// a signature.

/** An error for the client, by the fields of PostgreSQL's ErrorResponse; `detail` is empty where there is none. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly sqlState: '08P01' | '0A000';
  readonly message: string;
  readonly detail: string;
}

export interface Attribute {
  readonly kind: 'attribute';
  readonly name: string;
  readonly value: string;
  /** Behind the comma, or the end of the message. */
  readonly endOffset: number;
}

export function malformed(detail: string): Malformed {
  return violation('malformed SCRAM message', detail);
}

export function violation(message: string, detail = ''): Malformed {
  return { kind: 'malformed', sqlState: '08P01', message, detail };
}

export function unsupported(message: string): Malformed {
  return { kind: 'malformed', sqlState: '0A000', message, detail: '' };
}

/** The attribute that has to stand at the offset. */
export function readAttribute(text: string, offset: number, name: string): Attribute | Malformed {
  const found = text[offset];
  if (found !== name) return malformed(`Expected attribute "${name}" but found "${shown(found)}".`);
  return readValue(text, offset, name);
}

/** Whichever attribute stands at the offset. */
export function readAnyAttribute(text: string, offset: number): Attribute | Malformed {
  const name = text[offset];
  if (name === undefined) return malformed('Attribute expected, but found end of string.');
  if (!/^[A-Za-z]$/.test(name)) {
    return malformed(`Attribute expected, but found invalid character "${shown(name)}".`);
  }
  return readValue(text, offset, name);
}

function readValue(text: string, offset: number, name: string): Attribute | Malformed {
  if (text[offset + 1] !== '=') return malformed(`Expected character "=" for attribute "${name}".`);
  const comma = text.indexOf(',', offset);
  const value = text.slice(offset + 2, comma < 0 ? undefined : comma);
  return { kind: 'attribute', name, value, endOffset: comma < 0 ? text.length : comma + 1 };
}

/** A character in a complaint; the end of the message is a zero byte to PostgreSQL. */
export function shown(character: string | undefined): string {
  if (character !== undefined && /^[\x21-\x7e]$/.test(character)) return `'${character}'`;
  return `0x${(character ?? '\0').charCodeAt(0).toString(16).padStart(2, '0')}`;
}
