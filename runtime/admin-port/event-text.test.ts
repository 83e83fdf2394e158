import { expect, test } from "vitest";
import { eventText } from "./event-text.ts";

/** Each UTF-16 unit, halves of characters too. */
const units = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit));
/** Controls (C0, C1), formats such as RTL marks and tags, separators of lines and paragraphs, halves of characters. */
const HARMFUL =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|\p{Bidi_Control}|[\u180e\u200b-\u200d\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

test("an event is a name, one line of JSON and an empty line", () => {
  expect(eventText("closed", { code: 1000 })).toBe('event: closed\ndata: {"code":1000}\n\n');
});

test.each([
  ["each unit by itself", units],
  ["all of them together", [units.join("")]],
  ["what looks like another event", ["\n\nevent: closed\ndata: {}\n\n", "\r\r", "\u2028\u2029", "\u0085\u0085"]],
  ["ANSI, RTL marks and markup", ["\u001b[2J\u009b31m\u202egnp.exe\u2066\u061c<img onerror=alert(1)>"]],
  ["letters that are not seen", ["a\u180eb", "tag \u{e0041}\u{e007f}", "\u{1f600}\u{e0020}"]],
])("P7 no text breaks the line, moves a cursor or turns the text, and JSON gives it back: %s", (_, texts) => {
  for (const text of texts) {
    const [, data = ""] =
      /^event: handshake\ndata: ([^\r\n]*)\n\n$/.exec(eventText("handshake", { text, [text]: 1 })) ?? [];
    expect(HARMFUL.test(data) ? escape(text) : "").toBe("");
    expect(JSON.parse(data)).toEqual({ text, [text]: 1 });
  }
});
