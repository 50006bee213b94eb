// The gateway's control socket, from the other side: one command at a time, answered by lines of JSON.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { DemoFailed } from './failure.js';

export type Answer = Readonly<Record<string, unknown>>;

export class GatewayControl {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(path: string): Promise<GatewayControl> {
    const socket = connect(path);
    await once(socket, 'connect');
    // Its end shows in the answers.
    socket.on('error', () => undefined);
    return new GatewayControl(socket);
  }

  /** Resolves with all answers of the command but the last, which only says that it was. Rejects with `DemoFailed`. */
  async ask(command: string): Promise<Answer[]> {
    this.#socket.write(`${command}\n`);
    const answers: Answer[] = [];
    for (;;) {
      const answer = await this.#nextAnswer();
      if (answer.kind === 'error') throw new DemoFailed(`the gateway: ${String(answer.problem)}`);
      if (answer.kind === 'done') return answers;
      answers.push(answer);
    }
  }

  async #nextAnswer(): Promise<Answer> {
    const line = await this.#lines.next().catch(() => undefined);
    if (line === undefined || line.done === true) throw new DemoFailed('the gateway hung up');
    return JSON.parse(line.value) as Answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}
