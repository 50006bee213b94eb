// The subpath `@migratory/framework/metrics`: what a member counts, for Prometheus.

export { memberMetrics, type MeasuredMember } from './member-metrics.js';
export { parseMetricsAddress, type MetricsAddress } from './metrics-address.js';
export { serveMetrics, type MetricsServer } from './server-adapter.js';
/** @public */
export { MetricsListenFailed } from './server-adapter.js';
