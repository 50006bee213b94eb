// Where metrics can be scraped, as a command line says it: "9100", "127.0.0.1:9100", "[::1]:9100".

/** Port 0 lets the system choose. */
export interface MetricsAddress {
  /** An IP address or a name. */
  readonly host: string;
  readonly port: number;
}

/** A port by itself is for this machine only. */
const DEFAULT_HOST = '127.0.0.1';
const MAX_PORT = 65_535;
const ADDRESS = /^(?:(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<host>[\w.-]+)):)?(?<port>\d{1,5})$/i;

/** Undefined where the text is no port, and no host and port. */
export function parseMetricsAddress(text: string): MetricsAddress | undefined {
  const found = ADDRESS.exec(text)?.groups;
  const port = Number(found?.port);
  if (found === undefined || port > MAX_PORT) return undefined;
  return { host: found.ipv6 ?? found.host ?? DEFAULT_HOST, port };
}

/** "127.0.0.1:9100", "[::1]:9100". */
export function formatMetricsAddress({ host, port }: MetricsAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
