// What the head of a script sets: the runner's tolerance, and the TCP that it is run against.
//
// Our TCP stands in for a kernel's, so it begins with what sockets have: Nagle's algorithm on, no super-segments, and
// a receive buffer as long as the script says: by the window scale that its first SYN expects of us, and by `getsockopt`.

import {
  DEFAULT_TCP_CONFIG,
  MAX_WINDOW_FIELD,
  UNANNOUNCED_IPV6_SEGMENT_SIZE,
  type TcpConfig,
} from '@migratory/stack/internal/tcp/config.js';
import { NotExpressible } from './not-expressible.js';
import type { HeaderOption, Script, SegmentText } from './script.js';
import { applyCommands } from './shell-commands.js';

export interface Settings {
  readonly tcp: TcpConfig;
  readonly ipVersion: 4 | 6;
  /** By how much a time may be missed, to either side. */
  readonly toleranceMs: number;
}

const IP_HEADER_LENGTH = { 4: 20, 6: 40 } as const;
const TCP_HEADER_LENGTH = 20;
const DEFAULT_MTU = 1500;
const DEFAULT_TOLERANCE_MS = 4;

/** They name what the runner has not: addresses, ports, devices, and how Linux is prepared. */
const IRRELEVANT_OPTIONS = new Set([
  'bind_port',
  'code_command',
  'code_format',
  'code_sockopt',
  'connect_port',
  'dry_run',
  'gateway_ip',
  'init_scripts',
  'local_ip',
  'netmask_ip',
  'non_fatal',
  'remote_ip',
  'send_omit_free',
  'speed',
  'tolerance_percent',
  'verbose',
  'wire_client_dev',
  'wire_server_dev',
]);

/** Throws `NotExpressible`. */
export function settingsOf(script: Script): Settings {
  let mtu = DEFAULT_MTU;
  let ipVersion: 4 | 6 = 4;
  let toleranceMs = DEFAULT_TOLERANCE_MS;
  for (const option of script.options) {
    switch (option.name) {
      case 'mtu':
        mtu = wholeOf(option);
        break;
      case 'mss':
        mtu = wholeOf(option) + IP_HEADER_LENGTH[ipVersion] + TCP_HEADER_LENGTH;
        break;
      case 'tolerance_usecs':
        toleranceMs = wholeOf(option) / 1000;
        break;
      case 'tcp_ts_tick_usecs':
        if (wholeOf(option) !== 1000)
          throw new NotExpressible(option.place, 'timestamps that do not count milliseconds');
        break;
      case 'ip_version':
        ipVersion = ipVersionOf(option);
        break;
      default:
        if (!IRRELEVANT_OPTIONS.has(option.name)) throw new NotExpressible(option.place, `the option --${option.name}`);
    }
  }
  const maximumSegmentSize = mtu - IP_HEADER_LENGTH[ipVersion] - TCP_HEADER_LENGTH;
  const unannouncedSegmentSize =
    ipVersion === 6 ? UNANNOUNCED_IPV6_SEGMENT_SIZE : DEFAULT_TCP_CONFIG.unannouncedSegmentSize;
  const tcp = { ...socketConfig(script), maximumSegmentSize, unannouncedSegmentSize };
  return { tcp: applyCommands(script, tcp), ipVersion, toleranceMs };
}

/** As `socket()` makes one. */
function socketConfig(script: Script): TcpConfig {
  const shift = expectedShift(script);
  const bufferLength = statedBufferLength(script);
  return {
    ...DEFAULT_TCP_CONFIG,
    noDelay: false,
    maxSuperSegmentLength: 0,
    ...(shift === undefined ? {} : { receiveBufferLength: MAX_WINDOW_FIELD * 2 ** shift }),
    ...(bufferLength === undefined ? {} : { initialReceiveWindowLength: bufferLength }),
  };
}

/** What the first `getsockopt` of SO_RCVBUF expects: how the script's system is set up. */
function statedBufferLength(script: Script): number | undefined {
  for (const { action } of script.statements) {
    if (action.kind !== 'call' || action.call.name !== 'getsockopt') continue;
    const [, , name, value] = action.call.arguments;
    if (name?.kind !== 'word' || name.name !== 'SO_RCVBUF') continue;
    const inner = value?.kind === 'list' ? value.items[0] : undefined;
    return inner?.kind === 'number' && inner.value > 0 ? inner.value : undefined;
  }
  return undefined;
}

function expectedShift(script: Script): number | undefined {
  for (const { action } of script.statements) {
    if (action.kind !== 'expect' || !action.segment.flags.includes('S')) continue;
    return shiftOf(action.segment);
  }
  return undefined;
}

function shiftOf({ options }: SegmentText): number | undefined {
  if (options === 'any') return undefined;
  const option = options.find(({ kind }) => kind === 'wscale');
  return option?.kind === 'wscale' ? option.shift : undefined;
}

function ipVersionOf({ place, value }: HeaderOption): 4 | 6 {
  if (value === 'ipv4' || value === 'ipv4-mapped-ipv6') return 4;
  if (value === 'ipv6') return 6;
  throw new NotExpressible(place, `--ip_version=${value ?? ''} is none that we know`);
}

function wholeOf({ place, name, value }: HeaderOption): number {
  const number = Number(value);
  if (value === undefined || value === '' || !Number.isSafeInteger(number) || number <= 0) {
    throw new NotExpressible(place, `--${name} wants a whole number above 0`);
  }
  return number;
}
