// What a member remembers of connections that have left: bounded, and never so that an older image could be resumed.

import test from 'ava';
import { FormerConnections } from '@migratory/stack/internal/transfer/ownership.js';

const LIMITS = {
  imageRetentionMs: 100,
  retainedImagesLength: 1_000,
  forwardingPointerMs: 1_000,
  forwardingPointerCount: 5,
};

function depart(former: FormerConnections, now: number, cid: string, length: number): void {
  const left = { epoch: 1, to: 2, key: new Uint8Array(32), image: new Uint8Array(length), incarnation: 'a' };
  former.depart(now, cid, left);
}

test('room for images is made by forgetting images, oldest first: pointers and tombstones stay', (t) => {
  const former = new FormerConnections(LIMITS);
  former.finish(0, 'finished', 3);
  depart(former, 1, 'confirmed', 900);
  former.confirm(1, 'confirmed', 2, 1);
  depart(former, 2, 'older', 600);
  depart(former, 3, 'newer', 600);
  t.is(former.get('older', 3), undefined);
  t.is(former.get('newer', 3)?.kind, 'departed');
  t.is(former.get('confirmed', 3)?.kind, 'departed');
  t.is(former.get('finished', 3)?.kind, 'finished');
});

test('there are never more entries than the limit, and none beyond its time', (t) => {
  const former = new FormerConnections(LIMITS);
  for (let index = 0; index < 8; index++) former.finish(0, `cid ${index}`, 1);
  t.is(former.get('cid 2', 0), undefined);
  t.is(former.get('cid 3', 0)?.kind, 'finished');
  t.is(former.get('cid 3', 100), undefined);
});

test('only the receiver of that very departure can confirm or disclaim it', (t) => {
  const former = new FormerConnections(LIMITS);
  depart(former, 0, 'cid', 10);
  former.confirm(0, 'cid', 3, 1);
  former.disclaim(0, 'cid', 2, 9);
  const entry = former.get('cid', 0);
  t.is(entry?.kind === 'departed' && entry.retained.kind, 'unconfirmed');
  former.disclaim(0, 'cid', 2, 1);
  const disclaimed = former.get('cid', 0);
  t.is(disclaimed?.kind === 'departed' && disclaimed.retained.kind, 'disclaimed');
});
