// What an IP packet is to the layers above it, whichever version it has.

/** The version of IP. */
export type IpFamily = 4 | 6;

/** The two bits of explicit congestion notification (RFC 3168 section 5). */
export const ECN = { mask: 3, capable: 2, experienced: 3 } as const;

export const PROTOCOL = { icmp: 1, tcp: 6, icmpv6: 58 } as const;

/** What any router may fragment down to (RFC 791), and what every IPv6 link carries (RFC 8200 section 5). */
export const MIN_MTU = { 4: 68, 6: 1_280 } as const;

export type IpMalformedReason =
  | 'truncated'
  | 'bad-version'
  | 'bad-header-length'
  | 'bad-total-length'
  | 'bad-checksum'
  | 'bad-extension'
  | 'source-routed';

/** Addresses are views of the packet, of 4 or 16 bytes. */
export interface IpPacket {
  readonly kind: 'packet';
  readonly family: IpFamily;
  /** Of the payload, behind all extension headers. */
  readonly protocol: number;
  /** The two bits of `ECN`. */
  readonly ecn: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Where the payload is in the bytes that were decoded; what lies behind its end is padding. */
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

export type DecodedPacket =
  | IpPacket
  /** A piece of a packet. We take none: decision 22. */
  | { readonly kind: 'fragment' }
  | { readonly kind: 'malformed'; readonly reason: IpMalformedReason };
