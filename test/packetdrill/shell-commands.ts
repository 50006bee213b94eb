// What scripts say to a shell: mostly how Linux is to be set up. Nothing is run.
//
// What has its like in our TCP is set there; what makes no difference to it is left out; anything else is not expressible.

import type { TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import { NotExpressible, type Place } from './not-expressible.js';
import type { Script } from './script.js';

/** The TCP with what the commands of the script set. Throws `NotExpressible`. */
export function applyCommands(script: Script, tcp: TcpConfig): TcpConfig {
  let config = tcp;
  let hasBegun = false;
  for (const { place, action } of script.statements) {
    if (action.kind !== 'shell') {
      hasBegun = true;
      continue;
    }
    for (const command of action.text.split(/\n|;|&&/)) {
      const changed = applyCommand(place, command.replace(/#.*$/, '').trim(), config);
      if (changed !== config && hasBegun) throw new NotExpressible(place, 'a system setting that changes on the way');
      config = changed;
    }
  }
  return config;
}

/** Programs that touch nothing which the runner has. */
const HARMLESS_PROGRAMS =
  /^(?:\S*\/)?(?:defaults\.sh|sysctls\.sh|sysctl_restore\S*|sleep|true|sync|ethtool|tc|echo|rm|nstat|ulimit|set|exit)(?:\s|$)|^ip tcp_metrics\b/;

function applyCommand(place: Place, command: string, tcp: TcpConfig): TcpConfig {
  if (command === '' || HARMLESS_PROGRAMS.test(command)) return tcp;
  const [program = ''] = command.split(/\s+/, 1);
  if (program !== 'sysctl' && !program.endsWith('set_sysctls.py')) {
    throw new NotExpressible(place, `the command '${program}': no shell is run`);
  }
  const settings = [...command.matchAll(/([\w./]+)=("[^"]*"|\S+)/g)];
  if (settings.length === 0) throw new NotExpressible(place, `the command '${command}'`);
  return settings.reduce((config, [, path = '', value = '']) => {
    const name = path.replace(/^\/proc\/sys\//, '').replaceAll('/', '.');
    return applySysctl(place, name, value, config);
  }, tcp);
}

/** Of Linux (`net.ipv4.`) and of FreeBSD (`net.inet.tcp.`): they make no difference to our TCP, or ask for what it does. */
const HARMLESS_SYSCTLS = new Set([
  'hostcache.purgenow',
  'kern.ipc.maxsockbuf',
  'recvspace',
  'sendspace',
  'tcp_abort_on_overflow',
  'tcp_adv_win_scale',
  'tcp_app_win',
  'tcp_autocorking',
  'tcp_challenge_ack_limit',
  'tcp_dsack',
  'tcp_early_retrans',
  'tcp_fack',
  'tcp_fastopen_key',
  'tcp_frto',
  'tcp_invalid_ratelimit',
  'tcp_limit_output_bytes',
  'tcp_min_tso_segs',
  'tcp_moderate_rcvbuf',
  'tcp_no_metrics_save',
  'tcp_notsent_lowat',
  'tcp_pacing_ca_ratio',
  'tcp_pacing_ss_ratio',
  'tcp_recovery',
  'tcp_rmem',
  'tcp_slow_start_after_idle',
  'tcp_syncookies',
  'tcp_tso_rtt_log',
  'tcp_tso_win_divisor',
  'tcp_wmem',
]);

/** A value that asks for what we do, or do not do, anyway. */
const FIXED_SYSCTLS = new Map([
  ['blackhole', ['0']],
  ['insecure_rst', ['0']],
  ['insecure_syn', ['0']],
  ['tcp_fastopen', ['0']],
  ['tcp_mtu_probing', ['0']],
  ['tcp_reordering', ['3']],
  ['tcp_rfc1337', ['1']],
]);

/** By the numbers that both systems have for it. */
const MARKS = new Map<string, TcpConfig['explicitCongestion']>([
  ['0', 'off'],
  ['1', 'offered'],
  ['2', 'accepted'],
]);

function applySysctl(place: Place, name: string, quoted: string, tcp: TcpConfig): TcpConfig {
  const value = quoted.replace(/^"(.*)"$/, '$1');
  const short = name.replace(/^net\.(?:ipv4|inet\.tcp)\./, '');
  if (HARMLESS_SYSCTLS.has(short) || FIXED_SYSCTLS.get(short)?.includes(value) === true) return tcp;
  switch (short) {
    case 'tcp_timestamps':
      return { ...tcp, timestamps: value !== '0' };
    case 'rfc1323':
      return { ...tcp, timestamps: value !== '0', windowScaling: value !== '0' };
    case 'rexmit_initial':
      return { ...tcp, initialRtoMs: Number(value) };
    case 'sack.enable':
    case 'tcp_sack':
      return { ...tcp, selectiveAcknowledgments: value !== '0' };
    case 'tcp_window_scaling':
      return { ...tcp, windowScaling: value !== '0' };
    case 'tcp_syn_retries':
    case 'tcp_synack_retries':
      return { ...tcp, synRetryCount: Number(value) };
    case 'tcp_ecn':
    case 'ecn.enable': {
      const explicitCongestion = MARKS.get(value);
      if (explicitCongestion !== undefined) return { ...tcp, explicitCongestion };
      break;
    }
    case 'tcp_congestion_control':
      if (value === 'cubic') return { ...tcp, congestionControl: 'cubic' };
      if (value === 'reno') return { ...tcp, congestionControl: 'new-reno' };
      break;
    default:
      break;
  }
  throw new NotExpressible(place, `the system setting ${name}=${value}`);
}
