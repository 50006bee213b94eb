// The command line: what can be said, and one clear line for what cannot be understood.

import { Command, InvalidArgumentError, Option } from 'commander';
import {
  DRIVER_FLAGS,
  driverOptionsOf,
  parseAddress,
  type Address,
  type DriverFlagValues,
  type DriverOptions,
} from '@migratory/stack';

export interface CommandOptions {
  readonly listen: Address;
  readonly service: readonly Address[];
  readonly serviceKey?: string;
  readonly localIp?: string;
  readonly migration: 'required' | 'preferred' | 'off';
  readonly control?: string;
  /** What carries packets to the members. */
  readonly network: Omit<DriverOptions, 'ip'>;
}

/** Throws commander's `CommanderError`, after the line or the help text was printed, or a `RangeError`. */
export function parseOptions(args: readonly string[]): CommandOptions {
  const command = new Command('migratory-gateway')
    .description('Lets ordinary client programs use a migratory service: one migratory connection for each of theirs.')
    .requiredOption('--listen <host:port>', 'where ordinary clients connect, such as 127.0.0.1:8080', readAddress)
    .requiredOption('--service <ip:port>', 'a member of the service; may be given several times', collectAddresses)
    .option('--service-key <file>', "the service's Ed25519 public key (PEM): insist on it")
    .option('--local-ip <ip>', 'the IP address of this machine from which members are reached')
    .addOption(
      new Option('--migration <terms>', 'whether connections must be able to move')
        .choices(['required', 'preferred', 'off'])
        .default('preferred'),
    )
    .option('--control <path>', "a unix socket that takes commands: 'list', 'move [CID|all] [MEMBER]', 'help'")
    .addHelpText('after', '\nSIGUSR2 moves every connection to the next member. Logs are JSON lines.')
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .exitOverride();
  for (const { flags, description } of DRIVER_FLAGS) command.option(flags, description);
  const values = command.parse(args, { from: 'user' }).opts<Omit<CommandOptions, 'network'> & DriverFlagValues>();
  const network = driverOptionsOf(values);
  if (network.driver?.kind === 'tun' && values.localIp === undefined) {
    throw new RangeError("--driver tun needs --local-ip: the stack's own address");
  }
  return { ...values, network };
}

function readAddress(text: string): Address {
  const address = parseAddress(text.replace(/^localhost:/, '127.0.0.1:'));
  if (address === undefined) throw new InvalidArgumentError('It must look like 127.0.0.1:8080 or [::1]:8080.');
  return address;
}

function collectAddresses(text: string, before: readonly Address[] | undefined): readonly Address[] {
  return [...(before ?? []), readAddress(text)];
}
