// The metrics of members, read from their counters whenever somebody collects: nothing is counted twice, nothing runs between.
//
// All metrics of one collection are of the same instant: the registry asks them all in one turn.

import { Counter, Gauge, Registry } from 'prom-client';
import type { Application } from '../application.js';
import type { MemberStack } from '../member.js';
import type { Metric } from './metric.js';
import { SERVICE_METRICS } from './service-metrics.js';
import { STACK_METRICS, UNCONFIRMED_METRIC } from './stack-metrics.js';

/** What is measured of a member; a `Member` has it, and so has whoever has made its two parts. */
export interface MeasuredMember {
  readonly application: Pick<Application, 'counters'>;
  readonly stack: MemberStack;
  /** The label `member`, where several members are in one process; absent: no such label. */
  readonly name?: string;
}

type Labels = Partial<Record<'member' | 'service', string>>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/**
 * A registry with the metrics of all members that `members` has at the time of a collection: it may be given before they have
 * started. `registry.metrics()` is the text for Prometheus.
 */
export function memberMetrics(members: Iterable<MeasuredMember>): Registry {
  const registry = new Registry();
  for (const [key, metric] of entriesOf(SERVICE_METRICS)) {
    register(registry, metric, () => samplesOfServices(members, (counters) => counters[key]));
  }
  for (const [key, metric] of entriesOf(STACK_METRICS)) {
    register(registry, metric, () => samplesOfStacks(members, ({ counters }) => counters[key]));
  }
  register(registry, UNCONFIRMED_METRIC, () => samplesOfStacks(members, ({ unconfirmedCount }) => unconfirmedCount));
  return registry;
}

function entriesOf<Key extends string>(metrics: Readonly<Record<Key, Metric>>): [Key, Metric][] {
  return Object.entries(metrics) as [Key, Metric][];
}

function samplesOfServices(
  members: Iterable<MeasuredMember>,
  valueOf: (counters: Application['counters'][string]) => number,
): Sample[] {
  return Array.from(members).flatMap((member) =>
    Object.entries(member.application.counters).map(([service, counters]) => ({
      labels: { ...memberLabel(member), service },
      value: valueOf(counters),
    })),
  );
}

function samplesOfStacks(members: Iterable<MeasuredMember>, valueOf: (stack: MemberStack) => number): Sample[] {
  return Array.from(members, (member) => ({ labels: memberLabel(member), value: valueOf(member.stack) }));
}

function memberLabel({ name }: MeasuredMember): Labels {
  return name === undefined ? {} : { member: name };
}

function register(registry: Registry, { kind, name, help }: Metric, samples: () => Sample[]): void {
  const common = { name, help, labelNames: ['member', 'service'] as const, registers: [registry] };
  if (kind === 'gauge') {
    new Gauge({
      ...common,
      collect() {
        this.reset();
        for (const { labels, value } of samples()) this.set(labels, value);
      },
    });
    return;
  }
  new Counter({
    ...common,
    collect() {
      this.reset();
      for (const { labels, value } of samples()) this.inc(labels, value);
    },
  });
}
