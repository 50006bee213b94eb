// Why a TUN device can't be had, each with what to do about it.

/** Stable names of what can be in the way. */
export type TunFailureCode =
  | 'ERR_TUN_NO_PRIVILEGE'
  | 'ERR_TUN_NO_SUPPORT'
  | 'ERR_TUN_NO_BINDING'
  | 'ERR_TUN_NAME_TAKEN'
  | 'ERR_TUN_BAD_OPTION'
  | 'ERR_TUN_SET_UP';

/** The device can't be opened or set up. One line; `code` is stable. */
export class TunUnavailable extends Error {
  override readonly name = 'TunUnavailable';
  readonly code: TunFailureCode;
  constructor(code: TunFailureCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export function noPrivilege(device: string): TunUnavailable {
  return new TunUnavailable(
    'ERR_TUN_NO_PRIVILEGE',
    `no permission to make the device '${device}': run with the capability CAP_NET_ADMIN (as root, for one), or let an ` +
      `administrator make it for you with "ip tuntap add dev ${device} mode tun user NAME"`,
  );
}

export function noSupport(detail: string): TunUnavailable {
  return new TunUnavailable(
    'ERR_TUN_NO_SUPPORT',
    `there is no /dev/net/tun (${detail}): load the kernel module "tun", or pass the device into the container`,
  );
}

export function noBinding(cause: unknown): TunUnavailable {
  return new TunUnavailable(
    'ERR_TUN_NO_BINDING',
    `the package koffi has no binary for ${process.platform} on ${process.arch}: TUN needs Linux on a platform that koffi ` +
      'knows; the UDP driver runs everywhere',
    cause,
  );
}

export function nameTaken(device: string, detail: string): TunUnavailable {
  return new TunUnavailable(
    'ERR_TUN_NAME_TAKEN',
    `the name '${device}' is taken (${detail}): stop the program that has it, or choose another name`,
  );
}

export function badOption(message: string): TunUnavailable {
  return new TunUnavailable('ERR_TUN_BAD_OPTION', message);
}
