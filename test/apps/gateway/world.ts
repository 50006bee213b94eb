// A small service in this process, over real loopback sockets, and a gateway in front of it: what the gateway's tests share.
//
// The service obeys the first byte that a client sends: E echoes until the client ends, S speaks first and ends at once,
// R resets, Q stays quiet. After a move it goes on echoing: its snapshot is empty, which is all that an echo needs.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import type { ServiceKey } from '@migratory/framework/certificates';
import { addressOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { Gateway, type GatewayEvent, type GatewayOptions } from '@migratory/gateway/gateway';
import { createNodeStack, type Address, type MigratoryConnection, type Stack } from '@migratory/stack';

export interface TestService {
  readonly addresses: readonly Address[];
  readonly key: ServiceKey;
  /** The service's ends of the connections, in the order of their arrival at any member. */
  readonly accepted: MigratoryConnection[];
  /** Resolves with the next connection that arrives at a member. */
  arrival(): Promise<MigratoryConnection>;
}

/** Two members, closed at the end of the test. */
export async function startService(t: ExecutionContext): Promise<TestService> {
  const { key, members } = await planLocalService(2);
  const accepted: MigratoryConnection[] = [];
  const waiting: ((connection: MigratoryConnection) => void)[] = [];
  for (const membership of members) {
    const stack = await createNodeStack({ ip: LOOPBACK, membership });
    closeAfter(t, stack);
    await stack.listen({ port: addressOf(membership).port }, (connection) => {
      accepted.push(connection);
      serve(connection);
      waiting.shift()?.(connection);
    });
  }
  return {
    addresses: members.map(addressOf),
    key,
    accepted,
    arrival: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

function closeAfter(t: ExecutionContext, stack: Stack): void {
  t.teardown(() => stack.close());
}

function serve(connection: MigratoryConnection): void {
  // Resets are part of the tests.
  connection.on('error', () => undefined);
  const echo = (): void => {
    connection.on('data', (chunk: Buffer) => {
      connection.write(chunk);
      connection.setState(new Uint8Array(0));
    });
    connection.on('end', () => connection.end());
  };
  if (connection.getState().kind === 'migrated') return echo();
  connection.once('data', (first: Buffer) => {
    const command = String.fromCharCode(first[0] ?? 0);
    if (command === 'R') connection.resetAndDestroy();
    if (command === 'S') connection.pause().end('spoken');
    if (command !== 'E') return;
    connection.write(first.subarray(1));
    connection.setState(new Uint8Array(0));
    echo();
  });
}

export interface RunningGateway {
  readonly gateway: Gateway;
  readonly events: GatewayEvent[];
  readonly controlPath: string;
  /** Resolves with the first event of the kind, one that has been included. */
  event<Kind extends GatewayEvent['kind']>(kind: Kind): Promise<Extract<GatewayEvent, { kind: Kind }>>;
}

/** A gateway on a free port with a control socket, stopped at the end of the test. */
export async function startGateway(
  t: ExecutionContext,
  options: Omit<GatewayOptions, 'listen' | 'report' | 'controlPath'>,
): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  const controlPath = join(folder, 'control');
  const events: GatewayEvent[] = [];
  const watchers = new Set<() => void>();
  const gateway = new Gateway({
    ...options,
    listen: { ip: '127.0.0.1', port: 0 },
    controlPath,
    report: (event) => {
      events.push(event);
      for (const look of watchers) look();
    },
  });
  t.teardown(async () => {
    await gateway.stop();
    rmSync(folder, { recursive: true });
  });
  await gateway.start();
  const event: RunningGateway['event'] = (kind) =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find((some): some is Extract<GatewayEvent, { kind: typeof kind }> => some.kind === kind);
        if (found !== undefined) resolve(found);
      };
      watchers.add(look);
      look();
    });
  return { gateway, events, controlPath, event };
}

/** An ordinary client of the gateway. */
export async function openClient(t: ExecutionContext, { gateway }: RunningGateway): Promise<Socket> {
  const client = connect({ host: '127.0.0.1', port: gateway.address.port, allowHalfOpen: true });
  t.teardown(() => client.destroy());
  await once(client, 'connect');
  return client;
}

/** Sends commands to the control socket, and resolves with all answers once it has closed. */
export async function command(controlPath: string, text: string): Promise<Record<string, unknown>[]> {
  const socket = connect({ path: controlPath, allowHalfOpen: true });
  socket.end(text);
  const answers: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: socket }))
    answers.push(JSON.parse(line) as Record<string, unknown>);
  return answers;
}
