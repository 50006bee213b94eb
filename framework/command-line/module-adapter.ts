// Loads the module that the command line names. What it does at its top level is done.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandFailed, describeSystemError, oneLineWithPlace, UsageError } from './failure.js';
import { serviceOf, type ServiceModule } from './service-module.js';

/** Rejects with `CommandFailed` or `UsageError`. */
export async function loadService(file: string, exportName: string | undefined): Promise<ServiceModule> {
  checkFile(file);
  process.setSourceMapsEnabled(true);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new CommandFailed(`${file}: it can't be loaded: ${oneLineWithPlace(error)}`);
  }
  return serviceOf(file, exports, exportName);
}

function checkFile(file: string): void {
  let isFile: boolean;
  try {
    isFile = statSync(file).isFile();
  } catch (error) {
    throw new CommandFailed(`${file}: can't be read: ${describeSystemError(error)}`);
  }
  if (!isFile) throw new CommandFailed(`${file}: it is no file: name the compiled JavaScript module`);
  if (/\.[cm]?tsx?$/.test(file))
    throw new UsageError(`${file}: it is TypeScript: build it, and name the JavaScript file`);
  if (!/\.[cm]?js$/.test(file))
    throw new UsageError(`${file}: it is no JavaScript: name the compiled module, .js or .mjs`);
}
