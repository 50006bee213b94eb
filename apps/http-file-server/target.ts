// The request target: from what stands in the request line to the names of a path below the root (RFC 9112 section 3.2).
//
// Names are split before they are decoded, so that an encoded slash can't make two of one. What can't be the name of a
// file that is served is unservable, not an error: a client learns nothing about what lies outside.

/** `names` are decoded, without empty ones; `query` has its question mark or is empty. */
export interface Target {
  readonly names: readonly string[];
  /** Whether the path ends in a slash. */
  readonly form: 'file' | 'directory';
  readonly query: string;
}

export type ParsedTarget =
  | { readonly kind: 'target'; readonly target: Target }
  /** No file below the root has such a name: `..`, a hidden file, a separator or a NUL inside a name. */
  | { readonly kind: 'unservable' }
  | { readonly kind: 'malformed' };

/** Visible ASCII; everything else has to come percent-encoded. */
const VISIBLE = /^[\x21-\x7e]+$/;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]+/i;
/** A directory that is not hidden although it begins with a dot (RFC 8615). */
const WELL_KNOWN = '.well-known';

export function parseTarget(text: string): ParsedTarget {
  if (!VISIBLE.test(text) || text.includes('#')) return { kind: 'malformed' };
  const relative = text.replace(ABSOLUTE_FORM, '');
  const [path, query] = split(relative);
  const isAbsoluteForm = relative.length < text.length;
  if (!path.startsWith('/') && !(isAbsoluteForm && path === '')) return { kind: 'malformed' };
  const names: string[] = [];
  for (const encoded of path.split('/')) {
    const name = decode(encoded);
    if (name === undefined || name.includes('\0')) return { kind: 'malformed' };
    if (name === '' || name === '.') continue;
    if (!isServable(name)) return { kind: 'unservable' };
    names.push(name);
  }
  const form = names.length === 0 || /\/(?:\.|%2e)?$/i.test(path) ? 'directory' : 'file';
  return { kind: 'target', target: { names, form, query } };
}

function split(text: string): [path: string, query: string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

/** Undefined where an escape is broken, or what comes out is no UTF-8. */
function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** `..` begins with a dot as well. */
function isServable(name: string): boolean {
  if (name.startsWith('.') && name !== WELL_KNOWN) return false;
  return !/[/\\\0]/.test(name);
}

/** The same path as a directory, for a redirect: always one slash at the front, so it can't name another host. */
export function directoryLocation({ names, query }: Target): string {
  return `/${names.map((name) => `${encodeURIComponent(name)}/`).join('')}${query}`;
}
