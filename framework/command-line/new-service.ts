// `migratory new`: a folder with a service that builds, passes its test and runs.
//
// It depends on this framework: on its version where it was installed, and on its folder where this is a checkout, from
// which nothing is published.

import { relative, resolve, sep } from 'node:path';
import { STATUS } from './failure.js';
import { ownPackage, writeFolder } from './file-store.js';
import type { NewOptions } from './invocation.js';
import type { Screen } from './screen.js';
import { packageOf } from './templates.js';

/** Throws `CommandFailed`. */
export function newService(screen: Screen, name: string, { directory = name }: NewOptions): number {
  const files = packageOf(name, frameworkFor(directory));
  writeFolder(directory, files);
  screen.line(`${directory} has ${Object.keys(files).length} files. Next:`);
  screen.line();
  screen.line(`  cd ${directory}`);
  screen.line('  npm install && npm run build && npm test && npm start');
  return STATUS.ok;
}

function frameworkFor(directory: string): string {
  const { folder, version } = ownPackage();
  const isInstalled = folder.split(sep).includes('node_modules');
  return isInstalled ? version : `file:${relative(resolve(directory), folder).split(sep).join('/')}`;
}
