// The description of one member that `--config` names: read, checked, and what it becomes for the stack.

import { dirname, resolve } from 'node:path';
import { MemberConfigInvalid, parseMemberConfig, stackOptionsOf, type MemberConfig } from '../member-config.js';
import type { MemberOptions } from '../index.js';
import { CommandFailed } from './failure.js';
import { readNamed } from './file-store.js';

/** Throws `CommandFailed`; the message says where and why. */
export function readConfig(path: string): MemberConfig {
  const text = readNamed(path);
  try {
    return parseMemberConfig(text);
  } catch (error) {
    throw error instanceof MemberConfigInvalid ? new CommandFailed(`${path}: ${error.message}`) : error;
  }
}

/** `path`: of the description, from where the names of files count. Rejects with `CommandFailed`. */
export function readStackOptions(config: MemberConfig, path: string): Promise<MemberOptions['stack']> {
  return stackOptionsOf(config, (name) => readNamed(resolve(dirname(path), name)));
}
