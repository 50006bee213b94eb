// Between the numbers of a script and those on the wire.
//
// A script's streams begin at the numbers of its SYNs, mostly 0; ours begin where a keyed generator says, and the peer's at a
// number that makes the sequence wrap early. Timestamps of ours are told from the first one on.

import type { OptionText, SegmentText } from './script.js';

/** A peer's stream wraps after so many bytes. */
const PEER_BASE = 0xffff_ffff - 2_000;

export class Numbering {
  /** Wire minus script; undefined until our SYN has been seen. */
  #localBase: number | undefined;
  #timestampBase: number | undefined;
  /** The numbers of both SYNs in the script. */
  #localStart = 0;
  #peerStart = 0;
  #isRestarting = true;

  /** A new connection may begin: the next SYN of ours says how it is numbered. */
  restart(): void {
    this.#isRestarting = true;
  }

  /** Our next segment, as it is on the wire and in the script. Only a SYN tells where a stream begins. */
  learn(wire: SegmentText, script: SegmentText): void {
    if (this.#isRestarting && wire.flags.includes('S')) {
      this.#localBase = (wire.sequence - script.sequence) >>> 0;
      this.#localStart = script.sequence;
      this.#timestampBase = undefined;
      this.#isRestarting = false;
    }
    const stamp = timestampOf(wire);
    // Where the script does not say which it expects, ours begin at 0.
    if (stamp !== undefined) this.#timestampBase ??= (stamp - (timestampOf(script) ?? 0)) >>> 0;
  }

  /** Where the payload of a segment stands in the stream: 0 is the byte after SYN. */
  localOffset({ sequence, flags }: SegmentText): number {
    return flags.includes('S') ? 0 : Math.max(0, sequence - this.#localStart - 1);
  }

  /** The same for the peer's. */
  peerOffset({ sequence, flags }: SegmentText): number {
    if (flags.includes('S')) this.#peerStart = sequence;
    return flags.includes('S') ? 0 : Math.max(0, sequence - this.#peerStart - 1);
  }

  localToWire(sequence: number): number {
    return (sequence + (this.#localBase ?? 0)) >>> 0;
  }

  /** From a segment of the peer, as the script has it, to the wire. */
  inbound(segment: SegmentText): SegmentText {
    const { sequence, acknowledgment, options, flags } = segment;
    return {
      ...segment,
      sequence: (sequence + PEER_BASE) >>> 0,
      acknowledgment: acknowledgment === undefined ? undefined : this.localToWire(acknowledgment),
      options: options === 'any' ? options : options.map((option) => this.#inboundOption(option, flags)),
    };
  }

  #inboundOption(option: OptionText, flags: string): OptionText {
    if (option.kind === 'sack') {
      const blocks = option.blocks.map(({ left, right }) => ({
        left: this.localToWire(left),
        right: this.localToWire(right),
      }));
      return { kind: 'sack', blocks };
    }
    // Without ACK nothing is echoed yet.
    if (option.kind !== 'TS' || !flags.includes('.')) return option;
    return { ...option, echo: (option.echo + (this.#timestampBase ?? 0)) >>> 0 };
  }

  /** From a segment of ours on the wire to the script. */
  outbound(segment: SegmentText): SegmentText {
    const { sequence, acknowledgment, options } = segment;
    return {
      ...segment,
      sequence: (sequence - (this.#localBase ?? 0)) >>> 0,
      acknowledgment: acknowledgment === undefined ? undefined : (acknowledgment - PEER_BASE) >>> 0,
      options: options === 'any' ? options : options.map((option) => this.#outboundOption(option)),
    };
  }

  #outboundOption(option: OptionText): OptionText {
    if (option.kind === 'sack') {
      const blocks = option.blocks.map(({ left, right }) => ({
        left: (left - PEER_BASE) >>> 0,
        right: (right - PEER_BASE) >>> 0,
      }));
      return { kind: 'sack', blocks };
    }
    if (option.kind !== 'TS') return option;
    return { ...option, value: (option.value - (this.#timestampBase ?? 0)) >>> 0 };
  }
}

function timestampOf({ options }: SegmentText): number | undefined {
  if (options === 'any') return undefined;
  const option = options.find(({ kind }) => kind === 'TS');
  return option?.kind === 'TS' ? option.value : undefined;
}
