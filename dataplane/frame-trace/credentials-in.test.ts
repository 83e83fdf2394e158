import { describe, expect, test } from "vitest";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { credentialsIn } from "./credentials-in.ts";

/** The text with each credential as `***`. */
function masked(text: string, { whole = true, binary = false } = {}): string {
  let shown = "";
  let at = 0;
  for (const { from, to } of credentialsIn(text, { whole, binary })) {
    shown += `${text.slice(at, from)}***`;
    at = to;
  }
  return shown + text.slice(at);
}

const LONG = "abcdefghij0123456789";

describe("of a text", () => {
  test.each([
    ["a JSON field", '{"token":"abc","room":"lobby"}', '{"token":"***","room":"lobby"}'],
    ["a JSON field with spaces", '{ "Password" : "a b, c" , "n": 1 }', '{ "Password" : "***" , "n": 1 }'],
    ["a value with escapes", String.raw`{"secret":"a\"b\\","n":1}`, '{"secret":"***","n":1}'],
    ["a number", '{"apiKey": 12345, "n": 1}', '{"apiKey": ***, "n": 1}'],
    ["a list", '{"tokens":["a","b]"],"n":1}', '{"tokens":***,"n":1}'],
    ["an object", '{"credentials":{"a":{"b":"}"}},"n":1}', '{"credentials":***,"n":1}'],
    [
      "JSON within JSON",
      String.raw`{"body":"{\"token\":\"abc\",\"n\":1}"}`,
      String.raw`{"body":"{\"token\":\"***\",\"n\":1}"}`,
    ],
    ["a value that is cut", '{"password":"abc', '{"password":"***'],
    ["JavaScript", "{token: 'abc', n: 1}", "{token: '***', n: 1}"],
    ["a query", "wss://a.example/?access_token=abc&n=1", "wss://a.example/?access_token=***&n=1"],
    ["a form", "user=me&client_secret=a%20b", "user=me&client_secret=***"],
    ["a name that is encoded", "user%5Bpassword%5D=abc&n=1", "user%5Bpassword%5D=***&n=1"],
    ["a header", "Authorization: Basic dTpw\r\nHost: a", "Authorization: ***\r\nHost: a"],
    ["a header of a line", "Cookie: a=b; c=d", "Cookie: ***"],
    ["STOMP", "CONNECT\nlogin:me\npasscode:abc\n\n", "CONNECT\nlogin:me\npasscode:***\n\n"],
    ["XML", "<user>me</user><password>a b</password><n>1</n>", "<user>me</user><password>***</password><n>1</n>"],
    ["an attribute of XML", '<x password="a b" n="1">', '<x password="***" n="1">'],
    ["socket.io", '42["login",{"user":"me","pass":"abc"}]', '42["login",{"user":"me","pass":"***"}]'],
    ["the password in a URL", "see amqp://me:abc@host/path", "see amqp://me:***@host/path"],
    ["behind Bearer", "use bearer abc, please", "use bearer ***, please"],
    ["a JSON Web Token", "it is eyJhbGciOi.eyJzdWIi.c2ln ok", "it is *** ok"],
    ["a key", `first ${LONG} last`, "first *** last"],
    ["a key that is a name", `{"${LONG}-token":"x"}`, '{"***":"***"}'],
    ["an empty value", '{"token":"","n":1}', '{"token":"","n":1}'],
  ])("%s", (_, text, shown) => {
    expect(masked(text)).toBe(shown);
  });

  test.each([
    "the key is here",
    '{"author":"bob","message":"hello world"}',
    "2026-11-30T05:22:23.123Z",
    "https://chat.example.com/rooms/general",
    "http://localhost:8080/rooms, me:you@example.com",
    "一二三 🙂 ünïcödé",
    "",
  ])("nothing of %j", (text) => {
    expect(masked(text)).toBe(text);
  });

  test("a last word has a rest that nothing knows, unless the text is whole", () => {
    expect(masked("hello wor", { whole: false })).toBe("hello ***");
    expect(masked("hello wor ", { whole: false })).toBe("hello wor ");
    expect(masked("hello wor")).toBe("hello wor");
  });
});

test("of a binary form: what follows a name and a length", () => {
  expect(masked("\u0082\u00a5token\u00a3abc\u00a1n\u0001", { binary: true })).toBe(
    "\u0082\u00a5token\u00a3***\u00a1n\u0001",
  );
});

describe("the time is in proportion to the length", () => {
  test.each([
    ["names", "token "],
    ["names with signs", "token:"],
    ["backslashes", "\\"],
    ["names and backslashes", "key\\"],
    ["spaces behind names", "key        "],
    ["brackets", 'token:{"'],
    ["quotation marks", 'key"'],
    ["Bearer", "bearer "],
    ["users in URLs", "//a:"],
    ["a long password in a URL", "//a:bbbbbbbb"],
    ["tags", "<key>"],
    ["one word", "a1"],
    ["bytes", "key\u0000"],
  ])("of %s", async (_, piece) => {
    const time = (length: number): number => {
      const text = piece.repeat(Math.ceil(length / piece.length));
      const begun = performance.now();
      credentialsIn(text, { whole: false, binary: true });
      return performance.now() - begun;
    };
    time(20_000);
    expect(await tooMuchInEachRound({ millis: 200 }, async () => ({ millis: time(200_000) }))).toEqual({});
  });
});
