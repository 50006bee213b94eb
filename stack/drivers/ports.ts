// Ports as bookkeeping, for drivers on which a port is nothing but a number.

import { BindFailed, checkPort } from './binding.js';

const FIRST_EPHEMERAL_PORT = 49_152;
const LAST_PORT = 65_535;

export class Ports {
  readonly #taken = new Set<number>();
  #next = FIRST_EPHEMERAL_PORT;

  /** 0 takes any that is free. Throws `BindFailed`, or a `RangeError` for what is no port. */
  take(ip: string, port: number): number {
    checkPort(port);
    const chosen = port === 0 ? this.#free(ip) : port;
    if (this.#taken.has(chosen)) throw new BindFailed(ip, chosen, { code: 'EADDRINUSE', message: 'in use' });
    this.#taken.add(chosen);
    return chosen;
  }

  has(port: number): boolean {
    return this.#taken.has(port);
  }

  give(port: number): void {
    this.#taken.delete(port);
  }

  clear(): void {
    this.#taken.clear();
  }

  #free(ip: string): number {
    for (let count = FIRST_EPHEMERAL_PORT; count <= LAST_PORT; count++) {
      const port = this.#next;
      this.#next = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
      if (!this.#taken.has(port)) return port;
    }
    throw new BindFailed(ip, 0, { code: 'EADDRINUSE', message: 'all are in use' });
  }
}
