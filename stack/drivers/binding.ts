// What every driver says when a local port can't be had.

import { formatAddress } from '../wire/address.js';

/** Thrown, or the reason of a rejection, when a port can't be had. The message names the address. */
export class BindFailed extends Error {
  override readonly name = 'BindFailed';
  /** The operating system's code (EADDRINUSE, ...), or ERR_DRIVER_CLOSED. */
  readonly code: string;
  constructor(ip: string, port: number, cause: { readonly code?: string; readonly message: string }) {
    super(`can't receive on ${formatAddress({ ip, port })}: ${describe(cause)}`, { cause });
    this.code = cause.code ?? 'UNKNOWN';
  }
}

function describe({ code, message }: { readonly code?: string; readonly message: string }): string {
  if (code === 'EADDRINUSE') return 'the port is in use; stop the other program or choose another port';
  if (code === 'EADDRNOTAVAIL') return 'no interface of this machine has that address';
  if (code === 'EACCES') return 'no permission; choose a port from 1024 on';
  if (code === 'ERR_DRIVER_CLOSED') return 'the driver is closed';
  return message;
}

/** 0 is a port here: the driver chooses. Throws a `RangeError`. */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`${port} is not a port: give one from 1 to 65535, or 0 for any that is free`);
  }
}
