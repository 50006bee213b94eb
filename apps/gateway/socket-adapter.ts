// The only place that touches node:net and the file system: listening for ordinary clients, and for the control socket.

import { chmodSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { formatAddress, type Address } from '@migratory/stack';
import type { OrdinaryConnection } from './crossing.js';

const OWNER_ONLY = 0o600;

/** Thrown for what the person who started the gateway can put right. One line. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
}

export interface OrdinaryListener {
  readonly address: Address;
  /** Accepts nothing more; resolves when the last accepted connection is closed. */
  close(): Promise<void>;
}

/** `bufferLength`: bytes that a connection keeps in each direction. Rejects with `StartFailed`. */
export async function listenForClients(
  { ip, port }: Address,
  bufferLength: number,
  accept: (connection: OrdinaryConnection) => void,
): Promise<OrdinaryListener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: bufferLength }, accept);
  await listening(server, formatAddress({ ip, port }), () => server.listen({ host: ip, port, exclusive: true }));
  return { address: { ip, port: (server.address() as AddressInfo).port }, close: () => closed(server) };
}

/** A unix socket that only this user can reach. The file of a gateway that died is replaced. Rejects with `StartFailed`. */
export async function listenForControl(
  path: string,
  accept: (user: Duplex) => void,
): Promise<{ close(): Promise<void> }> {
  const users = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (user) => {
    users.add(user);
    user.once('close', () => users.delete(user));
    accept(user);
  });
  if (await isAbandoned(path)) unlinkSync(path);
  await listening(server, path, () => server.listen(path));
  chmodSync(path, OWNER_ONLY);
  return {
    close: () => {
      for (const user of users) user.destroy();
      return closed(server);
    },
  };
}

/** The text of a file that was named on the command line. Throws `StartFailed`. */
export function readNamedFile(what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new StartFailed(`can't read the ${what} ${path}: ${describe(error as NodeJS.ErrnoException)}`);
  }
}

function listening(server: Server, place: string, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new StartFailed(`can't listen on ${place}: ${describe(error)}`)));
    server.once('listening', () => resolve());
    listen();
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Whether the path is a socket on which nobody listens; any other file is left alone. */
function isAbandoned(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

function describe({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'it is in use; stop the other program or choose another';
  if (code === 'EADDRNOTAVAIL') return 'no interface of this machine has that address';
  if (code === 'EACCES') return 'no permission';
  if (code === 'ENOENT') return 'no such file or folder';
  if (code === 'EISDIR') return 'it is a folder';
  return message;
}
