// The end of a connection: orderly, from both sides at once, by reset and by abort, in every state.

import test from 'ava';
import type { TcpState } from '@migratory/stack/internal/tcp/state.js';
import { TRANSITIONS } from '@migratory/stack/internal/tcp/state.js';
import { Script } from '../../support/script.js';

/** A connection in each state, with nothing left to take. */
const IN_STATE: { readonly [State in Exclude<TcpState, 'closed'>]: () => Script } = {
  'syn-sent': () => Script.active().clear(),
  'syn-received': () => Script.passive().clear(),
  established: () => Script.established(),
  'fin-wait-1': () => Script.established().close().clear(),
  'fin-wait-2': () => Script.established().close().inject({ ack: 1 }).clear(),
  'close-wait': () => Script.established().inject({ flags: 'F.' }).clear(),
  closing: () => Script.established().close().inject({ flags: 'F.', ack: 0 }).clear(),
  'last-ack': () => Script.established().inject({ flags: 'F.' }).close().clear(),
  'time-wait': () => Script.established().close().inject({ flags: 'F.', ack: 1 }).clear(),
};
const STATES = Object.keys(IN_STATE) as (keyof typeof IN_STATE)[];

test('the states are what they are called', (t) => {
  for (const state of STATES) t.is(IN_STATE[state]().record.state, state);
});

test('we close first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, and the peer may go on sending (half-close)', (t) => {
  const script = Script.established();
  script.write(10).close();
  t.deepEqual(script.lines(), ['P. 0+10 ack 0', 'F. 10+0 ack 0']);
  script.inject({ ack: 11 });
  t.is(script.record.state, 'fin-wait-2');
  t.is(script.until, Infinity);
  script.inject({ ack: 11, length: 2000 });
  t.is(script.readAll().length, 2000);
  script.clear().inject({ flags: 'F.', ack: 11 });
  t.is(script.record.state, 'time-wait');
  t.deepEqual(script.kinds(), ['end-of-input', 'closed finished']);
  t.deepEqual(script.lines(), ['. 11+0 ack 2001']);
});

test('the peer closes first: CLOSE-WAIT, and we may go on sending; LAST-ACK', (t) => {
  const script = Script.established();
  script.inject({ flags: 'F.', length: 5 });
  t.is(script.record.state, 'close-wait');
  t.deepEqual(script.lines(), ['. 0+0 ack 6']);
  script.write(10).inject({ ack: 10 }).close();
  t.is(script.record.state, 'last-ack');
  t.deepEqual(script.lines(), ['P. 0+10 ack 6', 'F. 10+0 ack 6']);
  t.false(script.kinds().includes('closed finished'));
  script.inject({ ack: 11 });
  t.is(script.record.state, 'closed');
  t.is(script.kinds().at(-1), 'closed finished');
  t.is(script.until, Infinity);
});

test('simultaneous close (RFC 9293 section 3.6, figure 13)', (t) => {
  const script = Script.established();
  script.close().clear();
  script.inject({ flags: 'F.', ack: 0 });
  t.is(script.record.state, 'closing');
  t.deepEqual(script.lines(), ['. 1+0 ack 1']);
  script.inject({ ack: 1 });
  t.is(script.record.state, 'time-wait');
  t.deepEqual(script.kinds(), ['end-of-input', 'closed finished']);
});

test('FIN and the acknowledgment of ours in one segment lead to TIME-WAIT at once', (t) => {
  const script = IN_STATE['fin-wait-1']();
  script.inject({ flags: 'F.', ack: 1 });
  t.is(script.record.state, 'time-wait');
});

test('MUST-13: TIME-WAIT lasts its time, and a repeated FIN begins it again', (t) => {
  const script = Script.established({ config: { timeWaitMs: 60_000 } });
  script.close().inject({ flags: 'F.', ack: 1 }).clear();
  script.pass(50_000).inject({ flags: 'F.', offset: 0, ack: 1 });
  t.deepEqual(script.lines(), ['. 1+0 ack 1'], 'the acknowledgment was lost');
  script.pass(59_999);
  t.is(script.record.state, 'time-wait');
  script.pass(1);
  t.is(script.record.state, 'closed');
  t.deepEqual(script.kinds(), [], "'closed' was told when TIME-WAIT began");
  t.is(script.until, Infinity);
});

test('data after the FIN is not taken', (t) => {
  const script = IN_STATE['close-wait']();
  script.inject({ offset: 1, length: 10 });
  t.is(script.record.receive.nextOffset, 1);
  t.deepEqual(script.lines(), ['. 0+0 ack 1']);
});

test('closing twice is closing once', (t) => {
  const script = Script.established();
  script.close().close();
  t.deepEqual(script.lines(), ['F. 0+0 ack 0']);
  t.is(script.record.state, 'fin-wait-1');
});

test('RFC 5961 section 3: a reset with the exact number ends the connection in every state', (t) => {
  for (const state of STATES) {
    const script = IN_STATE[state]();
    const wasTold = script.record.closeTold;
    script.inject(
      state === 'syn-sent' ? { flags: 'R.', ack: 0 } : { flags: 'R', offset: script.record.receive.nextOffset },
    );
    t.is(script.record.state, 'closed', state);
    t.deepEqual(script.lines(), [], state);
    t.is(script.until, Infinity, state);
    const reason = state === 'syn-sent' ? 'refused' : 'reset';
    t.deepEqual(script.kinds(), wasTold ? [] : [`closed ${reason}`], state);
  }
});

test('RFC 9293 section 3.10.5: abort in every state', (t) => {
  const withReset = new Set(['syn-received', 'established', 'fin-wait-1', 'fin-wait-2', 'close-wait']);
  for (const state of STATES) {
    const script = IN_STATE[state]();
    script.abort();
    t.is(script.record.state, 'closed', state);
    t.is(script.take().filter((seen) => seen.flags === 'R.').length, withReset.has(state) ? 1 : 0, state);
    t.deepEqual(script.kinds(), state === 'time-wait' ? [] : ['closed aborted'], state);
    t.is(script.until, Infinity, state);
  }
});

test('the reset of an abort stands where the peer accepts it', (t) => {
  const script = Script.established();
  script.write(3000).clear();
  script.pass(1000).clear(); // the timer went back to 0
  script.abort();
  t.deepEqual(script.lines(), ['R. 3000+0 ack 0']);
  const closedWindow = Script.established();
  closedWindow.inject({ window: 0 }).write(10).pass(1000).clear(); // a probe byte beyond the window
  closedWindow.abort();
  t.deepEqual(closedWindow.lines(), ['R. 0+0 ack 0']);
});

test('unread data can still be read after a reset', (t) => {
  const script = Script.established();
  script.inject({ length: 10 }).inject({ flags: 'R' });
  t.is(script.readAll().length, 10);
});

test('a closed connection ignores everything', (t) => {
  const script = Script.established();
  script.abort().clear();
  script.inject({ length: 10 }).write(10).close().abort().pass(100_000);
  t.deepEqual(script.lines(), []);
  t.deepEqual(script.kinds(), []);
});

test('the table of transitions: every state can be left, and only closed is final', (t) => {
  for (const [state, steps] of Object.entries(TRANSITIONS)) {
    t.is(Object.keys(steps).length === 0, state === 'closed');
    t.is(state === 'closed' || 'gone' in steps, true);
  }
});
