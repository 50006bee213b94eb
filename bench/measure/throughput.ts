// How fast one connection downloads between two processes: over our stack in UDP, and over the kernel's TCP by node:http and
// node:net. Runs alternate, so that whatever else the machine does touches all three alike.

import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { createNodeStack } from '@migratory/stack';
import { startChild } from '../children.js';
import { encodeRequest, timedDownload } from '../download.js';
import { measurement, type Measurement } from '../measurement.js';
import type { KernelPorts } from '../processes/kernel-server.js';
import { addressOf, LOOPBACK, planService } from '../service.js';

const RUN_COUNT = 7;
const DOWNLOAD_LENGTH = 512 * 1024 * 1024;
const AIM_GBIT_PER_SECOND = 1;

export async function measureThroughput(): Promise<readonly Measurement[]> {
  const [plan] = await planService(1);
  if (plan === undefined) throw new Error('no member');
  const member = await startChild('member', plan);
  const kernel = await startChild<KernelPorts>('kernel-server', {});
  const client = await createNodeStack({ ip: LOOPBACK });
  const migratory: number[] = [];
  const http: number[] = [];
  const net: number[] = [];
  for (let run = 0; run <= RUN_COUNT; run++) {
    migratory.push(
      await timedDownload(DOWNLOAD_LENGTH, () => {
        const connection = client.connect({ address: addressOf(plan) });
        connection.end(encodeRequest(DOWNLOAD_LENGTH));
        return Promise.resolve(connection);
      }),
    );
    http.push(await timedDownload(DOWNLOAD_LENGTH, () => requestHttp(kernel.ready.http)));
    net.push(
      await timedDownload(DOWNLOAD_LENGTH, () => {
        const socket = connect({ host: LOOPBACK, port: kernel.ready.net, allowHalfOpen: true });
        socket.end(encodeRequest(DOWNLOAD_LENGTH));
        return Promise.resolve(socket);
      }),
    );
  }
  await Promise.all([client.close(), member.stop(), kernel.stop()]);
  // The first run of each warms the compilers of both processes up.
  const [ours, byHttp, byNet] = [migratory.slice(1), http.slice(1), net.slice(1)];
  const ratio = ours.map((rate, index) => rate / (byHttp[index] ?? rate));
  return [
    measurement('download, Migratory TCP in UDP', 'Gbit/s', ours, {
      kind: 'at-least',
      value: AIM_GBIT_PER_SECOND,
      of: 'median',
    }),
    measurement('download, node:http', 'Gbit/s', byHttp),
    measurement('download, node:net', 'Gbit/s', byNet),
    measurement('Migratory TCP to node:http', 'ratio', ratio),
  ];
}

async function requestHttp(port: number): Promise<Readable> {
  const request = get({ host: LOOPBACK, port, path: `/${DOWNLOAD_LENGTH}`, agent: false });
  const [response] = (await once(request, 'response')) as [Readable];
  return response;
}
