// A process: a service that answers each line, written with the framework.

import { createApplication, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { instructed } from '../children.js';
import { addressOf, openMember, type MemberPlan } from '../service.js';

@Service({ name: 'lines', version: 1 })
class Lines {
  @Snapshot() count: number = 0;

  @Stage({ entry: true })
  async line(io: StageIo): Promise<Next<Lines>> {
    const line = await io.readUntil('\n', { maxLength: 64 });
    if (line === undefined) return done();
    const number = Buffer.from(line).toString();
    this.count++;
    await io.write(`${number} twice is ${2 * Number(number)}\n`);
    return next('line');
  }
}

const plan = await instructed<MemberPlan>();
const stack = await openMember(plan);
await createApplication({ stack, services: [{ service: Lines, port: addressOf(plan).port }] }).start();
process.send?.({ kind: 'ready' });
