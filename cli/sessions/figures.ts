/** The two largest units of a time since `since` (RFC 3339), such as `3m12s`; `-`: it is no time. */
export function age(since: string, now: number): string {
  const begun = Date.parse(since);
  if (Number.isNaN(begun)) return "-";
  // The clock of the pod may be ahead of ours.
  const seconds = Math.max(0, Math.floor((now - begun) / 1000));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  if (minutes === 0) return `${seconds}s`;
  if (hours === 0) return `${minutes}m${seconds % 60}s`;
  if (days === 0) return `${hours}h${minutes % 60}m`;
  return `${days}d${hours % 24}h`;
}

const UNITS = ["kB", "MB", "GB", "TB", "PB"] as const;

/** `812 B`, `3.4 kB`, `120 MB`: powers of 1000. */
export function amountOfBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = "B";
  for (const next of UNITS) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** A rate; `-`: it is not known yet. */
export function perSecond(rate: number | undefined): string {
  if (rate === undefined) return "-";
  return rate < 9.95 ? rate.toFixed(1) : String(Math.round(rate));
}
