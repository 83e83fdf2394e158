import type { DebugEvent, DebugEventName } from "../../api/debug.ts";

/** Characters that JSON does not escape, and that move a terminal's cursor or change the direction of the text behind them. */
const RAW = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** An event in the format of Server-Sent Events: JSON on one line, in which every character from outside is harmless. */
export function eventLine<N extends DebugEventName>(name: N, event: DebugEvent<N>): string {
  const json = JSON.stringify(event).replace(RAW, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `event: ${name}\ndata: ${json}\n\n`;
}
