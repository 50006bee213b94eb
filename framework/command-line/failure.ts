// How a command ends badly: what the user sees in one line, and the exit status that goes with it.

import { messageOfThrown } from '../thrown.js';

export const STATUS = {
  ok: 0,
  /** Something did not work. */
  failed: 1,
  /** The command line can't be understood, or asks for what can't be. */
  usage: 2,
  /** Nobody reads the output any more: what a shell says of a program that SIGPIPE ended. */
  outputClosed: 141,
} as const;

/** The message is the line, without the name of the program. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** The caller can put it right by calling otherwise. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the operating system said, in words; its code where we have none. */
export function describeSystemError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === '' ? oneLine(error) : describeCode(code);
}

export function describeCode(code: string): string {
  return WORDS[code] ?? code;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  EADDRINUSE: 'it is in use',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EEXIST: 'it exists already',
  EHOSTUNREACH: 'the host can not be reached',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many files are open: raise `ulimit -n`',
  ENETUNREACH: 'the network can not be reached',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is no folder',
  ENOTFOUND: 'no such host',
  EROFS: 'the file system is read-only',
};

const PLACE = /(?:\(|\bat (?:async )?)((?:file:\/\/)?\/[^()]+:\d+:\d+)\)?$/;
const NOT_THE_USERS =
  /node_modules|@migratory\/|\/framework\/(?:dist|bin|runtime|metrics|command-line)\/|\/stack\/dist\/|\/framework\/[a-z-]+\.ts|\/stack\/[a-z]+\//;

/** One line for anything that was thrown: name and message. */
export function oneLine(error: unknown): string {
  const text = messageOfThrown(error);
  if (!(error instanceof Error)) return collapse(`${text} was thrown`);
  const name = error.name === 'Error' ? '' : `${error.name}: `;
  return collapse(`${name}${text === '' ? 'an error without a message' : text}`);
}

/** As `oneLine`, with the line of the user's own code where it was thrown, as far as that is known. */
export function oneLineWithPlace(error: unknown): string {
  const place = placeOf(error);
  return place === undefined ? oneLine(error) : `${oneLine(error)} (${place})`;
}

function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
  const places = frames.map((line) => PLACE.exec(line)?.[1]);
  const place = places.find((found) => found !== undefined && !NOT_THE_USERS.test(found));
  return place?.replace('file://', '');
}

function collapse(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
