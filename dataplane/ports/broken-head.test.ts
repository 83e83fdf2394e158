import { expect, test } from "vitest";
import { leastTime } from "../../test/fakes/least-time.ts";
import { readBrokenHead } from "./broken-head.ts";

const key = "secret-key-0123456789";
const read = (packet: string): object => readBrokenHead(Buffer.from(packet, "latin1"));

test.each<[string, string, object]>([
  [
    "a space in the target",
    "GET /chat room HTTP/1.1\r\nHost: a.test\r\n\r\n",
    { target: "/chat", authority: "a.test" },
  ],
  [
    "a header that is none",
    "GET /chat?x HTTP/1.1\r\nhOST:  A.test:80 \r\n broken\r\n\r\n",
    { target: "/chat?x", authority: "A.test:80" },
  ],
  ["a method in lower case", "get /chat HTTP/1.1\r\nHost: a.test\r\n", { target: "/chat", authority: "a.test" }],
  ["bare line feeds", "GET /chat HTTP/1.1\nHost: a.test\nno header\n\n", { target: "/chat", authority: "a.test" }],
  ["an empty line first", "\r\n\nGET /chat HTTP/3.7\r\nHost: a.test\r\n", { target: "/chat", authority: "a.test" }],
  ["no Host", "GET /chat HTTP/3.7\r\n\r\n", { target: "/chat" }],
  ["two Hosts", "GET /chat HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\nx\r\n", { target: "/chat" }],
  ["the middle of a head", `Bearer /${key}\r\nHost: a.test\r\n\r\n`, {}],
  ["the middle of a line", `${key} HTTP/1.1\r\nHost: a.test\r\n\r\n`, {}],
  ["a Host that is cut", "GET /chat HTTP/1.1\r\nHost: a.t", { target: "/chat" }],
  ["a request line that is cut", `GET /${key} HTTP/1`, {}],
  ["no HTTP", "SSH-2.0-OpenSSH_9.9\r\n", {}],
  ["nothing", "", {}],
])("of bytes with %s what can be read is read", (_, packet, head) => {
  expect(read(packet)).toEqual(head);
});

test("a Host is looked for in the first 128 lines", () => {
  const lines = (count: number): string => "x: 1\r\n".repeat(count);
  expect(read(`GET / HTTP/1.1\r\n${lines(126)}Host: a.test\r\n`)).toEqual({ target: "/", authority: "a.test" });
  expect(read(`GET / HTTP/1.1\r\n${lines(127)}Host: a.test\r\n`)).toEqual({ target: "/" });
});

test("bytes of any number and form are read in next to no time", () => {
  for (const filler of [" ", "/", "a", "\r\n", "\n", "\r", "host:", "host: \t", "GET / "]) {
    const packet = Buffer.from(
      `GET /${filler.repeat(32_768 / filler.length)} HTTP/1.1\r\nhost:${" ".repeat(9000)}x y\r\n`,
    );
    expect(leastTime(() => void readBrokenHead(packet))).toBeLessThan(5);
  }
  expect(leastTime(() => void readBrokenHead(Buffer.from("\r\n".repeat(16_384))))).toBeLessThan(5);
  expect(readBrokenHead(undefined)).toEqual({});
});
