// A segment as one line, in the manner of tcpdump: what a failing test or a trace prints.

import type { MigrateOption } from './migrate-options.js';
import { FLAG, type Segment } from './segment.js';

const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [FLAG.syn, 'S'],
  [FLAG.fin, 'F'],
  [FLAG.rst, 'R'],
  [FLAG.psh, 'P'],
  [FLAG.urg, 'U'],
  [FLAG.ece, 'E'],
  [FLAG.cwr, 'W'],
  [FLAG.ack, '.'],
];

/**
 * For example `S. seq 7:8 ack 12 win 65535 <mss 1460,wscale 7,migrate capable>`; no key or mac is printed.
 *
 * @public
 */
export function formatSegment(segment: Segment): string {
  const flags = FLAG_LETTERS.map(([bit, letter]) => ((segment.flags & bit) !== 0 ? letter : '')).join('');
  const length = segment.payloadLength;
  const range = length === 0 ? `seq ${segment.sequence}` : `seq ${segment.sequence}:${segment.sequence + length}`;
  const ack = (segment.flags & FLAG.ack) !== 0 ? ` ack ${segment.acknowledgment}` : '';
  return `${flags || 'none'} ${range}${ack} win ${segment.window} len ${length}${formatOptions(segment)}`;
}

function formatOptions({ options }: Segment): string {
  const parts: string[] = [];
  if (options.maximumSegmentSize !== undefined) parts.push(`mss ${options.maximumSegmentSize}`);
  if (options.windowScale !== undefined) parts.push(`wscale ${options.windowScale}`);
  if (options.sackPermitted !== undefined) parts.push('sackOK');
  if (options.timestamps !== undefined) parts.push(`ts ${options.timestamps.value}:${options.timestamps.echo}`);
  for (const { left, right } of options.sackBlocks ?? []) parts.push(`sack ${left}:${right}`);
  if (options.migrate !== undefined) parts.push(formatMigrateOption(options.migrate));
  return parts.length === 0 ? '' : ` <${parts.join(',')}>`;
}

function formatMigrateOption(option: MigrateOption): string {
  switch (option.kind) {
    case 'capable':
      return 'migrate capable';
    case 'request':
      return `migrate request epoch ${option.epoch} cid ${option.cid} origin ${option.origin}`;
    case 'acknowledge':
      return `migrate acknowledge epoch ${option.epoch}`;
    case 'confirm':
      return `migrate confirm epoch ${option.epoch}`;
    case 'trigger':
      return `migrate trigger epoch ${option.epoch} member ${option.member}`;
    case 'fail':
      return `migrate fail reason ${option.reason}`;
  }
}
