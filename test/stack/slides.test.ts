// The first example of the slides (`Example: Use of Migration API`), literally: the server sends 1, snapshots, sends 2 and
// snapshots again; the connection moves after the first snapshot, and the other server goes on from there.

import test from 'ava';
import type { MigratoryConnection } from '@migratory/stack';
import { inService, memberIp } from '../support/stack-world.js';

/** What a server does with a connection, whether new or moved; the same program at every member. */
async function program(s: MigratoryConnection, afterSecondSend: () => Promise<unknown>): Promise<void> {
  const restored = s.getState();
  let state = restored.kind === 'migrated' ? restored.state[0] : 0;
  if (state === 0) {
    s.write('1');
    state = 1;
    s.setState(Uint8Array.of(state));
  }
  if (state === 1) {
    s.write('2');
    await afterSecondSend();
    if (s.destroyed) return; // it has moved: the other server does the rest
    state = 2;
    s.setState(Uint8Array.of(state));
  }
  s.end();
}

/** What the client has read so far, as it comes. */
function listen(client: MigratoryConnection): { readonly text: () => string } {
  let text = '';
  client.on('data', (bytes: Buffer) => (text += bytes.toString()));
  return { text: () => text };
}

for (const secondByte of ['has not reached', 'has reached'] as const) {
  test(`S1 sends 1, set_state, sends 2; S2 finds state 1 and sends 2, which ${secondByte} the client before`, async (t) => {
    const states: string[] = [];
    const served = inService(
      {
        serve: (s, member) => {
          const restored = s.getState();
          states.push(restored.kind === 'new' ? `S${member} new` : `S${member} finds ${restored.state.join()}`);
          const moved = new Promise((resolve) => s.once('moved', resolve));
          void program(s, () => (member === 1 ? moved : Promise.resolve()));
        },
      },
      async ({ client, world }) => {
        const read = listen(client);
        const ended = new Promise((resolve) => client.once('end', resolve));
        if (secondByte === 'has reached') await world.pass(100);
        else world.network.cut(memberIp(1), client.localAddress.ip);
        t.is(read.text(), secondByte === 'has reached' ? '12' : '');
        const outcome = await client.requestMove(2);
        t.is(outcome.kind, 'moved');
        await ended;
        client.end();
        t.is(read.text(), '12', 'each byte once, in order');
      },
    );
    await served;
    t.deepEqual(states, ['S1 new', 'S2 finds 1']);
  });
}
