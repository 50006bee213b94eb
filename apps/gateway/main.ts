#!/usr/bin/env -S node --max-semi-space-size=4
// The command `migratory-gateway`: options in, a gateway, signals, and a log of JSON lines on standard output.
//
// Exit status 2 is for what the caller can put right: an option, a file, a port.

import { CommanderError } from 'commander';
import { pino } from 'pino';
import { CaptureFailed, formatAddress, InvalidKey, servicePublicKey, TunUnavailable } from '@migratory/stack';
import { Gateway, type GatewayEvent } from './gateway.js';
import { parseOptions } from './options.js';
import { readNamedFile, StartFailed } from './socket-adapter.js';

const USAGE_STATUS = 2;
const log = pino({ base: null });

function logEvent({ kind: event, ...details }: GatewayEvent): void {
  if (event === 'refused' || event === 'connect-failed' || event === 'stayed') log.warn({ event, ...details });
  else log.info({ event, ...details });
}

async function main(): Promise<void> {
  // The control socket is for this user only, from its first instant.
  process.umask(0o077);
  const { listen, service, serviceKey, localIp, migration, control, network } = parseOptions(process.argv.slice(2));
  const key = serviceKey === undefined ? undefined : servicePublicKey(readNamedFile('service key', serviceKey));
  const gateway = new Gateway({
    listen,
    services: service,
    servicePublicKey: key,
    localIp,
    migration,
    network,
    controlPath: control,
    report: logEvent,
  });
  const started = gateway.start();
  const stop = async (): Promise<void> => {
    await started;
    await gateway.stop();
    log.info({ event: 'stopped' });
  };
  process.on('SIGUSR2', () => void gateway.move(undefined, undefined));
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
  await started;
  log.info({ event: 'ready', listen: formatAddress(gateway.address), control: control ?? null });
}

/** What the person who started the gateway can put right: it says how, in one line. */
function isUsersToMend(error: unknown): error is Error {
  return [StartFailed, InvalidKey, TunUnavailable, CaptureFailed, RangeError].some((kind) => error instanceof kind);
}

main().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_STATUS;
  } else if (isUsersToMend(error)) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = USAGE_STATUS;
  } else {
    throw error;
  }
});
