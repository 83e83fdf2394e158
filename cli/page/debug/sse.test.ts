import { expect, test } from "vitest";
import { EventReader } from "./sse.js";

const STREAM = 'event: watching\ndata: {"a":1}\n\n:\n\nevent: closed\ndata: {"b":2}\n\n';
const EVENTS = [
  { name: "watching", data: '{"a":1}' },
  { name: "closed", data: '{"b":2}' },
];

test("reads events however the stream is cut into pieces", () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...reader.read(STREAM.slice(at, at + size)));
    expect(events).toEqual(EVENTS);
  }
});

test("takes lines that end in CR LF, several lines of data, and an event without a name", () => {
  const reader = new EventReader();
  expect(reader.read("data: one\r\ndata:two\r\nid: 7\r\nretry\r\n\r\n")).toEqual([
    { name: "message", data: "one\ntwo" },
  ]);
});

test("tells no event that has no data, and forgets its name", () => {
  const reader = new EventReader();
  expect(reader.read("event: lost\n\ndata: x\n\n")).toEqual([{ name: "message", data: "x" }]);
});

test.each([1, 7, 4096])("passes over an event that is too long, in pieces of %i, and reads the next one", (size) => {
  const reader = new EventReader(100);
  const stream = `event: long\ndata: ${"x".repeat(5000)}\ndata: y\n\nevent: next\ndata: z\n\n`;
  const events = [];
  for (let at = 0; at < stream.length; at += size) events.push(...reader.read(stream.slice(at, at + size)));
  expect(events).toEqual([{ name: "next", data: "z" }]);
  expect(reader.skipped).toBe(1);
});

test("an event of many short lines is as long as they are together", () => {
  const reader = new EventReader(100);
  expect(reader.read(`${"data: 1\n".repeat(50)}\n`)).toEqual([]);
  expect(reader.skipped).toBe(1);
});
