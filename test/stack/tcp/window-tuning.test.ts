// The receive window: it begins narrow, grows as far as the path's round trip asks for, and stays narrow on a short path.

import test from 'ava';
import { read, resume, suspend } from '@migratory/stack/internal/tcp/connection.js';
import { minimumOf } from '@migratory/stack/internal/tcp/recent-minimum.js';
import { Script } from '../../support/script.js';

const KIB = 1024;
const CONFIG = {
  timestamps: true,
  windowScaling: true,
  receiveBufferLength: 4096 * KIB,
  initialReceiveWindowLength: 256 * KIB,
};

/** A reader that takes everything at once, and a peer that fills a window each round trip. */
class Download {
  readonly script = Script.established({
    config: CONFIG,
    synOptions: { maximumSegmentSize: 1000, windowScale: 7, timestamps: { value: 1, echo: 0 } },
  });
  #value = 1;

  get windowLength(): number {
    return this.script.record.receive.tuning.windowLength;
  }

  /** One window's worth of data, `roundTripMs` after the acknowledgment that allowed it. */
  roundTrip(roundTripMs: number, reader: 'reads' | 'rests'): void {
    const { script } = this;
    const echo = script.record.timestamps.lastSent;
    script.now += roundTripMs;
    this.#value += Math.ceil(roundTripMs);
    const end = script.record.receive.edgeOffset;
    while (script.record.receive.nextOffset < end) {
      const length = Math.min(64 * KIB, end - script.record.receive.nextOffset);
      script.inject({ length, options: { timestamps: { value: this.#value, echo } } });
      if (reader === 'reads') while (read(script.record) !== undefined);
      script.drain();
    }
  }
}

test('the first window is the initial one, whatever the buffer', (t) => {
  const download = new Download();
  download.roundTrip(0.2, 'reads');
  t.is(download.windowLength, 256 * KIB);
});

test('D1: a long path gets the whole buffer within a few round trips', (t) => {
  const download = new Download();
  for (let count = 0; count < 8; count++) download.roundTrip(100, 'reads');
  t.true(download.windowLength > 4000 * KIB, String(download.windowLength));
  t.true(download.windowLength <= 4096 * KIB);
});

test('D2: data after weeks of silence tells no round trip', (t) => {
  const download = new Download();
  download.roundTrip(100, 'reads');
  download.roundTrip(26 * 24 * 3600 * 1000, 'reads');
  t.is(minimumOf(download.script.record.receive.tuning.roundTripMs), 100);
});

test('D2: a short path keeps a narrow window at any rate, pauses of the machine notwithstanding', (t) => {
  const download = new Download();
  for (let count = 0; count < 500; count++) download.roundTrip(count % 50 === 49 ? 20 : 0.25, 'reads');
  t.is(download.windowLength, 256 * KIB);
});

test('D2: a path that becomes longer is believed after a while', (t) => {
  const download = new Download();
  for (let count = 0; count < 10; count++) download.roundTrip(0.25, 'reads');
  for (let count = 0; count < 300; count++) download.roundTrip(100, 'reads');
  t.true(download.windowLength > 4000 * KIB, String(download.windowLength));
});

test('a reader that rests gets no more than the window that it leaves unread', (t) => {
  const download = new Download();
  for (let count = 0; count < 20; count++) download.roundTrip(100, 'rests');
  t.is(download.script.record.receive.edgeOffset, 256 * KIB);
  t.is(download.windowLength, 256 * KIB);
});

test('D1: after a move the window begins anew, and what was promised stays', (t) => {
  const download = new Download();
  for (let count = 0; count < 8; count++) download.roundTrip(100, 'reads');
  const { script } = download;
  const promised = script.record.receive.edgeOffset;
  suspend(script.record);
  resume(script.record, script.now, { peerWindow: 65_535 });
  script.drain();
  t.is(script.record.receive.edgeOffset, promised);
  t.is(download.windowLength, 256 * KIB);
  download.roundTrip(0.25, 'reads');
  download.roundTrip(0.25, 'reads');
  t.is(download.windowLength, 256 * KIB);
});

test('D3: without timestamps the whole buffer is offered', (t) => {
  const script = Script.established({ config: { ...CONFIG, timestamps: false }, synOptions: { windowScale: 7 } });
  script.inject({ length: 1000 });
  t.is(script.record.receive.tuning.windowLength, 4096 * KIB);
});
