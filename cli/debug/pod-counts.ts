/** Gauges that are summed over pods, and counters of which only the growth counts. */
const GAUGES = ["wsproxy_connections", "wsproxy_buffered_bytes"];
const COUNTERS = ["wsproxy_messages_total", "wsproxy_bytes_total", "wsproxy_handshakes_total"];
/** Labels that stay: the sums are over all others. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  wsproxy_messages_total: ["direction"],
  wsproxy_bytes_total: ["direction"],
  wsproxy_handshakes_total: ["status", "reason"],
};
/** Series of one pod that are summed; further ones of a hostile pod are passed over. */
const MOST_SERIES = 500;

const SAMPLE = /^(wsproxy_[a-z_]{1,64})(?:\{([^}]{0,2000})\})? ([0-9.eE+-]{1,32})$/gm;
const LABEL = /([a-z_]+)="([A-Za-z0-9_ .-]{0,64})"/g;

/**
 * The sums of one pod by series, such as `wsproxy_handshakes_total{status="101",reason="Accepted"}`; with `only`, of one of
 * its proxies.
 */
export function sumsIn(exposition: string, only?: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [, name = "", labels = "", text = ""] of exposition.matchAll(SAMPLE)) {
    if (!GAUGES.includes(name) && !COUNTERS.includes(name)) continue;
    if (only !== undefined && !`,${labels},`.includes(`,proxy="${only}",`)) continue;
    const value = Number(text);
    const series = seriesOf(name, labels);
    if (!Number.isFinite(value) || value < 0 || (!sums.has(series) && sums.size >= MOST_SERIES)) continue;
    sums.set(series, (sums.get(series) ?? 0) + value);
  }
  return sums;
}

function seriesOf(name: string, labels: string): string {
  const wanted = LABELS[name] ?? [];
  if (wanted.length === 0) return name;
  const found = new Map([...labels.matchAll(LABEL)].map(([, label = "", value = ""]) => [label, value]));
  return `${name}{${wanted.map((label) => `${label}="${found.get(label) ?? ""}"`).join(",")}}`;
}

/**
 * The sums over all pods, for rates: a counter never falls. What a pod counted stays when it goes; of a pod that comes
 * later, or comes back, only what it counts from then on is added.
 */
export class PodCounts {
  readonly #totals = new Map<string, number>();
  #last = new Map<string, ReadonlyMap<string, number>>();
  #begun = false;

  /** Takes a look at the pods that answered, by id; `there`: ids of all that run now. Returns the text of `/metrics`. */
  take(answers: ReadonlyMap<string, ReadonlyMap<string, number>>, there: ReadonlySet<string>): string {
    const gauges = new Map<string, number>(GAUGES.map((name) => [name, 0]));
    for (const [id, sums] of answers) {
      const before = this.#last.get(id);
      for (const [series, value] of sums) {
        if (gauges.has(series)) gauges.set(series, (gauges.get(series) ?? 0) + value);
        else this.#totals.set(series, (this.#totals.get(series) ?? 0) + this.#growth(before, series, value));
      }
    }
    this.#begun = true;
    this.#last = new Map([...this.#last, ...answers].filter(([id]) => there.has(id)));
    return [...gauges, ...this.#totals].map(([series, value]) => `${series} ${value}\n`).join("");
  }

  #growth(before: ReadonlyMap<string, number> | undefined, series: string, value: number): number {
    if (before === undefined) return this.#begun ? 0 : value;
    const last = before.get(series) ?? 0;
    return value < last ? value : value - last; // it fell: its process began anew
  }
}
