// Numbers and times in few characters.

/** @param {number} at in ms since 1970 */
export function clockTime(at) {
  if (!Number.isFinite(at)) return "–";
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** @param {number} at in ms since 1970 */
export function preciseTime(at) {
  return Number.isFinite(at) ? `${clockTime(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}` : "–";
}

/**
 * `4.2 s`, `3 min 07 s`, `2 h 05 min`, `3 d 04 h`.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return both(whole, 60, "min", "s");
  if (whole < 86_400) return both(Math.floor(whole / 60), 60, "h", "min");
  return both(Math.floor(whole / 3600), 24, "d", "h");
}

/**
 * @param {number} small
 * @param {number} per
 * @param {string} large
 * @param {string} unit
 */
function both(small, per, large, unit) {
  return `${Math.floor(small / per)} ${large} ${String(small % per).padStart(2, "0")} ${unit}`;
}

/**
 * How long a step took: `85 µs`, `1.24 ms`, `1.2 s`.
 * @param {number} micros
 */
export function stepTime(micros) {
  if (micros < 1000) return `${micros < 10 ? Number(micros.toFixed(1)) : Math.round(micros)} µs`;
  if (micros < 1_000_000) return `${(micros / 1000).toPrecision(3)} ms`.replace("1.00e+3 ms", "1.0 s");
  return duration(micros / 1_000_000);
}

/**
 * `812`, `12.4k`, `3.1M`.
 * @param {number} value
 */
export function count(value) {
  return scaled(value, 1000, ["", "k", "M", "G", "T", "P"]);
}

/**
 * `812 B`, `12.4 KiB`, `3.1 MiB`.
 * @param {number} value
 */
export function bytes(value) {
  return scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);
}

/**
 * How often in a second: `0`, `0.3`, `4.2`, `120`, `3.4k`.
 * @param {number} perSecond
 */
export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return "–";
  if (perSecond <= 0) return "0";
  if (perSecond < 0.1) return "<0.1";
  return perSecond < 10 ? String(Number(perSecond.toFixed(1))) : count(Math.round(perSecond));
}

/**
 * @param {number} value
 * @param {number} base
 * @param {readonly string[]} units
 */
function scaled(value, base, units) {
  if (!Number.isFinite(value)) return "–";
  let at = 0;
  let rest = value;
  // What would be rounded to the base itself is one of the next unit.
  while (at < units.length - 1 && (at === 0 ? rest >= base : Math.round(rest) >= base)) {
    rest /= base;
    at += 1;
  }
  const digits =
    at === 0 ? String(Math.round(rest)) : rest < 99.95 ? String(Number(rest.toFixed(1))) : String(Math.round(rest));
  return `${digits}${units[at]}`;
}
