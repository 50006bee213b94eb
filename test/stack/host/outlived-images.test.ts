// H4: an image that was kept is resumed as long as its client has seen nothing of the member that was given it, and not
// a moment longer, though that member has died, forgotten everything, and would disclaim it.

import test, { type ExecutionContext } from 'ava';
import type { MoveReport } from '@migratory/stack/internal/migration/record.js';
import { HostBench, type End } from '../../support/host-bench.js';
import { memberAddress } from '../../support/stack-world.js';

type Others = Parameters<HostBench['restart']>[1];

function lastOf<Item>(items: readonly Item[]): Item {
  const item = items.at(-1);
  if (item === undefined) throw new Error('there is none');
  return item;
}

function reportOf({ events }: End): MoveReport | undefined {
  return events.findLast((event) => event.kind === 'moved')?.report;
}

function outcomeOf({ events }: End): string | undefined {
  return events.findLast((event) => event.kind === 'closed')?.reason;
}

/** A connection that member 1 gives to member 2, whose confirmation never comes. */
function unconfirmed(): { readonly bench: HostBench; readonly client: End } {
  const bench = new HostBench();
  const { client, server } = bench.open();
  bench.member(1).setState(bench.now, server.connection, Buffer.from('of member 1'), 0);
  bench.tamper = ({ message }) => (message.kind === 'installed' ? undefined : message);
  bench.client.startMove(bench.now, client.connection, 2);
  return { bench, client };
}

function isRefused(t: ExecutionContext, bench: HostBench, client: End): void {
  t.is(bench.accepted.length, 2, 'nobody runs it again');
  t.is(outcomeOf(client), 'move-gave-up');
  t.is(bench.member(1).counters.imagesOutlived, 1);
  t.is(bench.member(1).memorySizes().retainedLength, 0);
}

for (const others of ['noticed', 'unaware'] satisfies Others[]) {
  test(`H4: what a client has accepted is lost with the member that died, and is not resumed from before (${others})`, (t) => {
    const { bench, client } = unconfirmed();
    bench.advance(500);
    t.like(reportOf(client), { from: 1, to: 2 });
    bench.restart(2, others);
    bench.client.startMove(bench.now, client.connection, 1);
    bench.advance(2_000);
    isRefused(t, bench, client);
  });

  test(`H4: nor what a client has read and written since (${others})`, (t) => {
    const { bench, client } = unconfirmed();
    bench.advance(500);
    t.true(bench.exchanges(client, lastOf(bench.accepted)));
    bench.restart(2, others);
    bench.client.startMove(bench.now, client.connection, 1);
    bench.advance(2_000);
    isRefused(t, bench, client);
  });

  test(`H4: what was installed, and answered to a client that never got the answer, goes on at the origin (${others})`, (t) => {
    const { bench, client } = unconfirmed();
    bench.intercept = ({ from, segment }) => (from.ip === memberAddress(2).ip ? undefined : segment);
    bench.advance(500);
    t.is(bench.accepted.length, 2, 'member 2 runs it');
    bench.restart(2, others);
    bench.advance(10_000);
    t.like(reportOf(client), { from: 1, to: 1 });
    t.is(bench.member(1).counters.imagesOutlived, 0);
    t.true(bench.exchanges(client, lastOf(bench.accepted)));
  });

  test(`H4: a client that names the member that died, and was not there again, goes on where it never was (${others})`, (t) => {
    const { bench, client } = unconfirmed();
    bench.tamper = ({ from, message }) => (message.kind === 'image' && from === 2 ? undefined : message);
    bench.intercept = ({ from, segment }) => (from.ip === memberAddress(2).ip ? undefined : segment);
    bench.advance(2_500);
    t.is(bench.member(2).counters.imagesGiven, 1, 'member 2 gave it back, and nothing arrived');
    bench.restart(1, others);
    bench.intercept = ({ segment }) => segment;
    bench.advance(10_000);
    t.like(reportOf(client), { from: 1, to: 2 });
    t.true(bench.exchanges(client, lastOf(bench.accepted)));
  });
}

test('H4: the request of before the death, delayed, brings the image to the new process of the receiver no more', (t) => {
  const { bench, client } = unconfirmed();
  const request = lastOf(bench.segments);
  bench.advance(500);
  t.true(bench.exchanges(client, lastOf(bench.accepted)));
  bench.restart(2, 'noticed');
  bench.member(2).receive(bench.now, request.to, request.from, request.segment);
  bench.advance(100);
  t.is(bench.member(1).counters.imagesGiven, 1);
  t.is(bench.accepted.length, 2);
});

test('the same request brings the image again while its receiver lives', (t) => {
  const { bench, client } = unconfirmed();
  let lost = 0;
  bench.tamper = ({ message }) => (message.kind === 'image' && lost++ === 0 ? undefined : message);
  const request = lastOf(bench.segments);
  bench.intercept = ({ segment }) => (segment.options.migrate?.kind === 'fail' ? undefined : segment);
  bench.advance(1_100);
  bench.member(2).receive(bench.now, request.to, request.from, request.segment);
  bench.advance(300);
  t.like(reportOf(client), { from: 1, to: 2 });
  t.is(bench.member(1).counters.imagesGiven, 2);
});

test('S4: the accepted epoch is under the mac: another one proves nothing', (t) => {
  const { bench } = unconfirmed();
  const { to, from, segment } = lastOf(bench.segments);
  bench.segments.length = 0;
  for (const acknowledgment of [1, 2, 0x10000]) {
    bench.member(2).receive(bench.now, to, from, { ...segment, acknowledgment });
    bench.settle();
  }
  t.is(bench.member(1).counters.imagesGiven, 0);
});
