/**
 * Characters that JSON does not escape, and that move a terminal's cursor, are not seen, or change the direction of the text
 * behind them.
 */
const RAW =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * An event in the format of Server-Sent Events: JSON on one line, in which no character from outside can begin another
 * event or harm a terminal. `name`: a word of ours. Read as JSON, it is the same event.
 */
export function eventText(name: string, event: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(event).replace(RAW, escaped)}\n\n`;
}

/** A character beyond U+FFFF is two units. */
function escaped(one: string): string {
  return one.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
