// Addresses of the stack: an IP address in its canonical text form, and a port.
//
// The text of IPv6 follows RFC 4291 and RFC 5952. Written here because `wire` may not import `node:net`.

/** An IPv4 or IPv6 address as text, and a port, 0 to 65535. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** "192.0.2.1:80" or "[2001:db8::1]:80". */
export function formatAddress(address: Address): string {
  return address.ip.includes(':') ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.ip === b.ip;
}

/** Parses what `formatAddress` prints; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const bytes = ipToBytes(match[1] ?? match[2] ?? '');
  const port = Number(match[3]);
  if (bytes === undefined || port > 65535 || (bytes.length === 16) !== (match[1] !== undefined)) return undefined;
  return { ip: bytesToIp(bytes), port };
}

/** 4 or 16 bytes in network order; undefined when the text is no IP address. */
export function ipToBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6ToBytes(text) : ipv4ToBytes(text);
}

function ipv4ToBytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[index] = Number(part);
  }
  return bytes;
}

function ipv6ToBytes(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groupsOf(halves[0] ?? ''), groupsOf(halves[1] ?? '')];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  for (const [index, group] of groups.entries()) view.setUint16(index * 2, group);
  return bytes;
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const v4 = ipv4ToBytes(part);
      if (v4 === undefined) return undefined;
      const view = new DataView(v4.buffer);
      groups.push(view.getUint16(0), view.getUint16(2));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** The canonical text of 4 or 16 bytes (RFC 5952). */
export function bytesToIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2));
  const run = longestZeroRun(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** Whether one host has that address: no group, no broadcast, and not "any" (RFC 9293 MUST-46, MUST-57, MUST-63). */
export function isOfOneHost(ip: Uint8Array): boolean {
  const first = ip[0] ?? 0;
  if (ip.length === 4) return first !== 0 && (first < 224 || (first >= 240 && ip.some((byte) => byte !== 255)));
  return first !== 0xff && ip.some((byte) => byte !== 0);
}
