/** What the metrics of a process say about one proxy. */
export interface ProxyMetrics {
  /** Open sessions of each route. */
  readonly routes: ReadonlyMap<string, number>;
  readonly sessions: number;
  /** Sessions and handshakes that the process admits. */
  readonly admits?: number;
  /** false: the process takes no new sessions. */
  readonly ready?: boolean;
  /** false: the store of shared limits does not answer. */
  readonly store?: boolean;
  /** The listener's certificate, in seconds since the epoch. */
  readonly certificate?: { readonly from: number; readonly until: number };
}

export interface Fill {
  readonly used: number;
  readonly limit: number;
}

/** Figures of one process, from its `/metrics`. */
export interface ProcessMetrics {
  readonly proxies: ReadonlyMap<string, ProxyMetrics>;
  readonly buffers?: Fill;
  readonly descriptors?: Fill;
}

/** Series that are read of one process. */
export const MOST_SERIES = 20_000;
/** Characters of the labels of a series; a longer one is passed over. */
const LONGEST_LABELS = 2000;

const WANTED = [
  "connections",
  "connections_limit",
  "ready",
  "store_available",
  "certificate_start_timestamp_seconds",
  "certificate_expiry_timestamp_seconds",
  "buffer_budget_bytes",
  "buffer_budget_used_bytes",
  "descriptors_limit",
  "descriptors_used",
] as const;

type Name = (typeof WANTED)[number];
type Labels = Readonly<Record<string, string>>;

const LINE = new RegExp(`^wsproxy_(${WANTED.join("|")})(?:\\{(.{0,${LONGEST_LABELS}})\\})? ([-+.\\w]{1,40})$`, "gm");
/** Sticky: behind text of another form nothing is looked for, which would take time. */
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)",?/gy;

/** Reads the text of `/metrics`; lines of another form are passed over. */
export function processMetrics(text: string): ProcessMetrics {
  const values = new Map<Name, { readonly labels: Labels; readonly value: number }[]>();
  let series = 0;
  for (const [, name, labels = "", figure] of text.matchAll(LINE)) {
    const value = Number(figure);
    if (!Number.isFinite(value)) continue;
    series += 1;
    if (series > MOST_SERIES) break;
    const known = values.get(name as Name) ?? [];
    known.push({ labels: labelsIn(labels), value });
    values.set(name as Name, known);
  }
  const samples = (name: Name) => values.get(name) ?? [];
  const one = (name: Name, proxy?: string): number | undefined =>
    samples(name).find(({ labels }) => labels["proxy"] === proxy)?.value;
  const names = new Set(
    [...samples("connections"), ...samples("connections_limit"), ...samples("ready")].map(
      ({ labels }) => labels["proxy"] ?? "",
    ),
  );
  const proxies = new Map([...names].map((proxy) => [proxy, proxyIn(proxy, samples("connections"), one)]));
  const buffers = fill(one("buffer_budget_used_bytes"), one("buffer_budget_bytes"));
  const descriptors = fill(one("descriptors_used"), one("descriptors_limit"));
  return {
    proxies,
    ...(buffers === undefined ? {} : { buffers }),
    ...(descriptors === undefined ? {} : { descriptors }),
  };
}

function proxyIn(
  proxy: string,
  connections: readonly { readonly labels: Labels; readonly value: number }[],
  one: (name: Name, proxy: string) => number | undefined,
): ProxyMetrics {
  const own = connections.filter(({ labels }) => labels["proxy"] === proxy);
  const [admits, ready, store] = [one("connections_limit", proxy), one("ready", proxy), one("store_available", proxy)];
  const until = one("certificate_expiry_timestamp_seconds", proxy);
  return {
    routes: new Map(own.map(({ labels, value }) => [labels["route"] ?? "", value])),
    sessions: own.reduce((sum, { value }) => sum + value, 0),
    ...(admits === undefined ? {} : { admits }),
    ...(ready === undefined ? {} : { ready: ready === 1 }),
    ...(store === undefined ? {} : { store: store === 1 }),
    ...(until === undefined
      ? {}
      : { certificate: { from: one("certificate_start_timestamp_seconds", proxy) ?? 0, until } }),
  };
}

function fill(used: number | undefined, limit: number | undefined): Fill | undefined {
  return used === undefined || limit === undefined || limit <= 0 ? undefined : { used, limit };
}

function labelsIn(text: string): Labels {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [
      name,
      value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    ]),
  );
}
