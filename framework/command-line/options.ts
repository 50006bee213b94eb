// Values of options: what a text on the command line stands for, or why it stands for nothing.

import { InvalidArgumentError } from 'commander';
import { parseMetricsAddress, type MetricsAddress } from '../metrics/metrics-address.js';

const MAX_PORT = 65_535;

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

export const readPort = wholeNumber(1, MAX_PORT);
export const readMemberId = wholeNumber(1, 0xffff);

export function readMetricsAddress(text: string): MetricsAddress {
  const address = parseMetricsAddress(text);
  if (address === undefined) throw new InvalidArgumentError('It must look like 9100, 127.0.0.1:9100 or [::1]:9100.');
  return address;
}

const SERVICE_NAME = /^[a-z][a-z0-9-]{0,62}$/;

export function readServiceName(text: string): string {
  if (!SERVICE_NAME.test(text)) {
    throw new InvalidArgumentError('It must be 1 to 63 lower-case letters, digits and hyphens, a letter first.');
  }
  return text;
}
