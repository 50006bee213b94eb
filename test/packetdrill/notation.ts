// A segment as scripts write it.

import type { OptionText, SegmentText } from './script.js';

export function segmentNotation(segment: SegmentText): string {
  const { marking, flags, sequence, length, acknowledgment, window, urgent, options } = segment;
  const parts = marking === undefined ? [] : [`[${marking}]`];
  parts.push(flags === '' ? '-' : flags, `${sequence}:${(sequence + length) >>> 0}(${length})`);
  if (acknowledgment !== undefined) parts.push(`ack ${acknowledgment}`);
  if (window !== undefined) parts.push(`win ${window}`);
  if (urgent !== undefined) parts.push(`urg ${urgent}`);
  if (options === 'any') parts.push('<...>');
  else if (options.length > 0) parts.push(`<${options.map(optionNotation).join(',')}>`);
  return parts.join(' ');
}

export function optionNotation(option: OptionText): string {
  switch (option.kind) {
    case 'mss':
      return `mss ${option.size}`;
    case 'wscale':
      return `wscale ${option.shift}`;
    case 'sack':
      return `sack ${option.blocks.map(({ left, right }) => `${left}:${right}`).join(' ')}`;
    case 'TS':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'other':
      return `kind ${option.code} 0x${Buffer.from(option.content).toString('hex')}`;
    default:
      return option.kind;
  }
}

/** Seconds, as scripts write times. */
export function timeNotation(ms: number): string {
  return (ms / 1000).toFixed(6).replace(/(\.\d{3}\d*?)0*$/, '$1');
}
