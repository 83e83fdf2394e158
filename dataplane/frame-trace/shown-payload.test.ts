import { describe, expect, test } from "vitest";
import { shownPayload } from "./shown-payload.ts";

const TEXT = { text: true, whole: true };
const text = (from: string | Buffer, most = 1024, kind = TEXT) => shownPayload(Buffer.from(from), most, kind);

test("text is shown as text, cut to whole characters", () => {
  expect(text("héllo")).toEqual({ payload: "héllo" });
  expect(text("héllo", 2)).toEqual({ payload: "h" });
  expect(text("héllo", 3)).toEqual({ payload: "hé" });
  expect(text("a🙂b", 4)).toEqual({ payload: "a" });
  expect(text("")).toEqual({ payload: "" });
});

test("a character whose rest has not been looked at makes no text binary", () => {
  const whole = Buffer.from("héllo ü");
  expect(text(whole.subarray(0, whole.length - 1), 1024, { text: true, whole: false })).toEqual({ payload: "héllo " });
});

test("text that is not UTF-8 is shown as binary", () => {
  const bytes = Buffer.from([0x61, 0xff, 0x62]);
  expect(text(bytes)).toEqual({ payload: bytes.toString("base64"), binary: true });
});

describe("a credential", () => {
  test("is masked in text and in what is binary", () => {
    const from = '{"token":"abc"}';
    expect(text(from)).toEqual({ payload: '{"token":"***"}' });
    const shown = shownPayload(Buffer.from(from), 1024, { text: false, whole: true });
    expect([Buffer.from(shown.payload ?? "", "base64").toString(), shown.binary]).toEqual(['{"token":"***"}', true]);
  });

  test("is masked in text of which one byte is broken", () => {
    const from = Buffer.concat([Buffer.from('{"token":"abc"}'), Buffer.from([0xff])]);
    const { payload = "" } = text(from);
    expect(Buffer.from(payload, "base64").toString("latin1")).toBe('{"token":"***"}\u00ff');
  });

  test("is masked where the cut leaves only its beginning", () => {
    const key = "abcdefghij0123456789";
    for (let most = 0; most < 40; most += 1) {
      const { payload = "" } = text(`hello ${key} and more`, most);
      expect("hello *** and more".startsWith(payload) || payload === "hello ***").toBe(true);
    }
  });

  test("is masked where what was looked at ends in it", () => {
    const { payload } = text(`hello ${"x".repeat(64)}`, 10, { text: true, whole: false });
    expect(payload).toBe("hello ***");
  });
});
