// Values of options: what a text on the command line stands for, or why it stands for nothing.

import { InvalidArgumentError } from 'commander';

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

const SERVICE_NAME = /^[a-z][a-z0-9-]{0,62}$/;

export function readServiceName(text: string): string {
  if (!SERVICE_NAME.test(text)) {
    throw new InvalidArgumentError('It must be 1 to 63 lower-case letters, digits and hyphens, a letter first.');
  }
  return text;
}
