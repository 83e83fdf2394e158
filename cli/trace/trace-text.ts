import { oneLine } from "../connect/terminal-text.ts";
import { cutToWidth } from "../line/display-width.ts";

/** Columns of a terminal that a text from outside takes in a line. */
const LONGEST_TEXT = 64;
/** The same for a sentence, such as why a backend was not reached. */
const LONGEST_SENTENCE = 200;

/** A text from outside, safe for a terminal; an empty one, or one of spaces, is quoted. */
export function safe(text: string, longest = LONGEST_TEXT): string {
  const whole = oneLine(text.slice(0, 4 * longest));
  const start = cutToWidth(whole, longest);
  const cut = start === whole && text.length <= 4 * longest ? whole : `${cutToWidth(whole, longest - 1)}…`;
  return cut.trim() === "" ? JSON.stringify(cut) : cut;
}

export function sentence(text: string): string {
  return safe(text, LONGEST_SENTENCE);
}

/** The time of day here, with milliseconds; with the day where it is another one than that of `now`. */
export function timeOf(at: string, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "--:--:--.---";
  const two = (value: number): string => String(value).padStart(2, "0");
  const time = `${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** A duration of a step or a handshake, in ms: `85 µs`, `3.2 ms`, `412 ms`, `2.5 s`. */
export function spent(millis: number): string {
  if (millis < 0.9995) return `${Math.round(millis * 1000)} µs`;
  if (millis < 9.95) return `${millis.toFixed(1)} ms`;
  if (millis < 999.5) return `${Math.round(millis)} ms`;
  return `${(millis / 1000).toFixed(1)} s`;
}

/** A line made of what is there, two spaces apart. */
export function line(...cells: readonly (string | undefined)[]): string {
  return `${cells.filter((cell) => cell !== undefined && cell !== "").join("  ")}\n`;
}
