// A stack that only knows which ports are open; connections come when the test hands them over.

import { SeededEntropy, VirtualClock } from '@migratory/stack';
import type { ListeningStack, StageConnection } from '@migratory/framework';

export class FakeStack implements ListeningStack {
  readonly clock = new VirtualClock();
  readonly entropy = new SeededEntropy(1);
  readonly otherMembers: number[] = [];
  unconfirmedCount = 0;
  readonly open = new Map<number, (connection: StageConnection) => void>();
  /** Cannot be opened. */
  failingPort: number | undefined;

  async listen(
    { port }: { port: number },
    onConnection: (connection: StageConnection) => void,
  ): Promise<{ close(): Promise<void> }> {
    if (port === this.failingPort) return Promise.reject(new Error('in use'));
    this.open.set(port, onConnection);
    return Promise.resolve({
      close: () => {
        this.open.delete(port);
        return Promise.resolve();
      },
    });
  }
}
