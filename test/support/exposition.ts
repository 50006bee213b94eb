// Prometheus' text format, version 0.0.4, read strictly: whatever is not as the format's page says is an error.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/

export interface ExposedMetric {
  readonly type: string;
  readonly help: string;
  /** By labels as they are written: `service="files"`; '' for none. */
  readonly samples: ReadonlyMap<string, number>;
}

const HEADER = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/;
const LABEL = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
const SAMPLE = new RegExp(String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${LABEL}(?:,${LABEL})*)\})? (-?[\d.]+(?:e[+-]?\d+)?)$`);
const TYPES: readonly string[] = ['counter', 'gauge'];

/** By name. Throws where a line can't be read, comes twice, or stands under another metric. */
export function parseExposition(text: string): Map<string, ExposedMetric> {
  if (!text.endsWith('\n')) throw new SyntaxError('the last line does not end');
  const metrics = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let current: { name: string; help: string } | undefined;
  for (const line of text.split('\n')) {
    const header = HEADER.exec(line);
    const sample = SAMPLE.exec(line);
    if (line === '') continue;
    if (header?.[1] === 'HELP') {
      current = { name: header[2] ?? '', help: header[3] ?? '' };
    } else if (header?.[1] === 'TYPE') {
      const [, , name = '', type = ''] = header;
      if (name !== current?.name || metrics.has(name) || !TYPES.includes(type)) throw new SyntaxError(line);
      metrics.set(name, { type, help: current.help, samples: new Map() });
    } else if (sample !== null) {
      const [, name = '', labels = '', value] = sample;
      const metric = metrics.get(name);
      if (metric === undefined || name !== current?.name || metric.samples.has(labels)) throw new SyntaxError(line);
      metric.samples.set(labels, Number(value));
    } else {
      throw new SyntaxError(line);
    }
  }
  return metrics;
}
