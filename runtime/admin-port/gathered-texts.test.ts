import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { GatheredTexts } from "./gathered-texts.ts";

function bench() {
  const clock = new FakeClock();
  const written: string[] = [];
  return { clock, written, texts: new GatheredTexts(clock, (text) => written.push(text)) };
}

test("the first text after a pause is written at once, those right behind it together 50 ms later", () => {
  const { clock, written, texts } = bench();
  for (const text of ["a", "b", "c"]) texts.add(text);
  expect(written).toEqual(["a"]);
  clock.advance(49);
  expect(written).toEqual(["a"]);
  clock.advance(1);
  expect(written).toEqual(["a", "bc"]);
  texts.add("d");
  clock.advance(50);
  expect(written).toEqual(["a", "bc", "d"]);
  clock.advance(50);
  texts.add("e");
  expect(written.at(-1)).toBe("e");
});

test("of a thousand texts in a second there are 20 writes or 21, and none is lost", () => {
  const { clock, written, texts } = bench();
  for (let text = 0; text < 1000; text += 1) {
    texts.add(`${text};`);
    clock.advance(1);
  }
  clock.advance(50);
  expect(written.join("")).toBe(Array.from({ length: 1000 }, (_, text) => `${text};`).join(""));
  expect(written.length).toBeLessThanOrEqual(21);
});

test("a large text does not wait, nor does what it fills up", () => {
  const { written, texts } = bench();
  for (const text of ["a", "b", "c".repeat(16_383), "d".repeat(20_000)]) texts.add(text);
  expect(written.map(({ length }) => length)).toEqual([1, 16_384, 20_000]);
});

test("what was gathered is written before the end, or forgotten", () => {
  const { clock, written, texts } = bench();
  for (const text of ["a", "b"]) texts.add(text);
  texts.flush();
  expect(written).toEqual(["a", "b"]);
  texts.add("c");
  texts.drop();
  clock.advance(1000);
  expect(written).toEqual(["a", "b"]);
});
