// Processes of a benchmark: each is one file of `processes/`, told what to do by its first message, ready with its answer.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A running process; `ended` rejects nothing: a benchmark that needs it notices by itself. */
export interface Child<Ready> {
  readonly ready: Ready;
  readonly process: ChildProcess;
  /** Sends an order and waits for the answer. Rejects where the process ends instead. */
  ask<Answer>(order: object): Promise<Answer>;
  stop(): Promise<void>;
}

/**
 * Starts `processes/<name>.js` and waits for its answer; `prefix` is a command that runs it somewhere else. Rejects where the
 * process ends before.
 */
export async function startChild<Ready>(
  name: string,
  instruction: object,
  prefix: readonly string[] = [],
): Promise<Child<Ready>> {
  const path = fileURLToPath(new URL(`./processes/${name}.js`, import.meta.url));
  const [execPath = process.execPath, ...execArgv] = [...prefix, process.execPath, ...process.execArgv];
  const child = fork(path, { serialization: 'advanced', execPath, execArgv });
  const ask = <Answer>(order: object): Promise<Answer> => answerOf<Answer>(child, name, order);
  return { ready: await ask<Ready>(instruction), process: child, ask, stop: () => stop(child) };
}

async function answerOf<Answer>(child: ChildProcess, name: string, order: object): Promise<Answer> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    child.send(order);
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Answer),
      once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`${name} ended with ${String(code)}`))),
    ]);
  } finally {
    settled.abort();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

/** In a process: the instruction. The process ends when its parent lets go of it. */
export async function instructed<Instruction>(): Promise<Instruction> {
  process.once('disconnect', () => process.exit(0));
  const [instruction] = (await once(process, 'message')) as [Instruction];
  return instruction;
}

/** In a process: answers each order that comes from now on; where that fails, the process ends, which its parent notices. */
export function answerOrders(answer: (order: never) => unknown): void {
  process.on('message', (order: unknown) => {
    void Promise.resolve(answer(order as never)).then((result) => process.send?.(result));
  });
  process.send?.('ready');
}
