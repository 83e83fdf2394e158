import { KEY } from "./clients.ts";
import type { ConfigParts } from "./config.ts";

/** Request heads that are made to be expensive, each as long as a head may be, and a config with every policy. */

/** Bytes of the longest head that the gateway accepts. */
const LONGEST_HEAD = 16_384;

const times = (count: number, text: (n: number) => string, separator = ""): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(separator);

const eight = (one: (n: number) => object): object[] => Array.from({ length: 8 }, (_, n) => one(n));

/** Three methods, eight issuers of signed tokens, eight places each, of every kind. */
const authentication = {
  require: "Any",
  apiKey: {
    keys: [],
    from: eight(
      (n) => [{ header: `x-key-${n}` }, { query: `k${n}` }, { cookie: `c${n}` }, { subprotocol: `s${n}` }][n % 4]!,
    ),
  },
  jwt: ["", "-1", "-2", "-3", "-4", "-5", "-6", "-7"].map((issuer) => ({
    issuer: `https://idp${issuer}.test/`,
    audiences: ["chat"],
    jwks: { keys: [] },
    from: [
      { header: "authorization" },
      ...eight(
        (n) => [{ query: `j${n}${issuer}` }, { cookie: `d${n}${issuer}` }, { subprotocol: `s${n}.t${issuer}` }][n % 3]!,
      ).slice(1),
    ],
  })),
  introspection: {
    endpoint: "https://idp.test/introspect",
    from: [
      { header: "authorization" },
      { query: "k" },
      { cookie: "c" },
      ...eight((n) => ({ subprotocol: `s${n}.t.u` })).slice(3),
    ],
  },
};

const block = (n: number): string => `10.${n}.0.0/17`;

/** Every policy that looks at a handshake, as large as it may be; the test's own address is a trusted proxy. */
export const RICHEST: ConfigParts = {
  trustedProxies: [...Array.from({ length: 255 }, (_, n) => block(n)), "127.0.0.0/8"],
  routes: [
    ...Array.from({ length: 200 }, (_, n) => ({
      hostnames: [`*.${times(n % 20, () => "a.")}n${n}.test`],
      path: { type: "Prefix" as const, value: `/r${n}` },
    })),
    {
      name: "rich",
      policies: {
        authentication,
        origins: {
          allow: Array.from({ length: 256 }, (_, n) => `https://*.${times(n % 30, () => "a.")}o${n}.test`),
          allowMissing: true,
          sameOrigin: true,
          cookies: ["c", "c2", "c6", "d1", "d4", "d7"].map((cookie) => ({ cookie })),
        },
        deny: { clients: [], tokenIds: [], addresses: Array.from({ length: 256 }, (_, n) => `172.16.${n}.0/25`) },
        attempts: [{ per: "IP", limit: 1_000_000, interval: "1s", burst: 1_000_000 }],
        forwarding: {
          headers: { allow: Array.from({ length: 256 }, (_, n) => `x-allowed-${n}`) },
          query: { allow: Array.from({ length: 256 }, (_, n) => `allowed-${n}`) },
        },
      },
    },
  ],
};

interface Parts {
  readonly target?: string;
  readonly host?: string;
  readonly connection?: string;
  /** Lines that fill the room that is left: this line again and again, or what the function makes of a number. */
  readonly fill?: (room: number) => string;
}

/** A complete head of at most 16 KiB. */
function head({ target = "/", host = "a.test", connection = "Upgrade", fill = () => "" }: Parts): Buffer {
  const start = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: ${connection}\r\nUpgrade: websocket\r\n`;
  const fixed = `${start}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`;
  const room = LONGEST_HEAD - fixed.length - 2;
  const text = `${fixed}${fill(room)}\r\n`;
  if (text.length > LONGEST_HEAD) throw new Error(`a head of ${text.length} bytes`);
  return Buffer.from(text, "latin1");
}

/** One field that fills the room: `start`, `unit` again and again, then `end`. */
const field =
  (name: string, unit: string, end = "", start = "") =>
  (room: number): string => {
    const left = room - name.length - 4 - start.length - end.length;
    return `${name}: ${start}${unit.repeat(Math.floor(left / unit.length))}${end}\r\n`;
  };
/** The same field line, as often as it fits. */
const lines =
  (line: string, most = Number.POSITIVE_INFINITY) =>
  (room: number): string =>
    `${line}\r\n`.repeat(Math.min(most, Math.floor(room / (line.length + 2))));
/** Field lines with different names. */
const numbered =
  (value: string, most: number) =>
  (room: number): string => {
    let text = "";
    for (let n = 0; n < most; n += 1) {
      const line = `x${n}: ${value}\r\n`;
      if (text.length + line.length > room) break;
      text += line;
    }
    return text;
  };
const query = (unit: string): Parts => ({ target: `/?${unit.repeat(Math.floor(8180 / unit.length))}` });

/** U+2028 in UTF-8, which `.` in a regular expression does not match. */
const SEPARATOR = "\u00e2\u0080\u00a8";

export const HOSTILE_HEADS: readonly [string, Buffer][] = (
  [
    ["4,000 header lines of one letter", { fill: lines("a:") }],
    ["thousands of header names", { fill: numbered("", 10_000) }],
    ["127 headers, each as long as there is room for", { fill: numbered("v".repeat(110), 120) }],
    ["names of 120 characters", { fill: lines(`${"n".repeat(120)}: v`, 120) }],
    ["Bearer and blanks", { fill: field("Authorization", " ", SEPARATOR, "Bearer") }],
    ["Bearer, blanks and a quote", { fill: field("Authorization", " ", '"', "Bearer") }],
    ["Bearer and tabs", { fill: field("Authorization", "\t ", SEPARATOR, "Bearer ") }],
    ["a token of equals signs", { fill: field("Authorization", "=", "!", "Bearer a") }],
    ["a token of dots", { fill: field("Authorization", ".", "", "Bearer a") }],
    [
      "a token whose header is nested JSON",
      {
        fill: (): string =>
          `Authorization: Bearer ${Buffer.from(`{"alg":${"[".repeat(5900)}`).toString("base64url")}.a.b\r\n`,
      },
    ],
    ["a key in UTF-8", { fill: field("X-Key-0", "\u00c3\u00a9", "\u00ff") }],
    ["two Authorization lines of 8 kB", { fill: lines(`Authorization: Bearer ${"a".repeat(8000)}`, 2) }],
    ["cookies without names", { fill: field("Cookie", ";") }],
    ["cookies of one letter", { fill: field("Cookie", "a=;") }],
    ["cookies that are all credentials", { fill: field("Cookie", "c2=a;") }],
    ["cookies of white space", { fill: field("Cookie", " \t", "c2=a", "a;") }],
    ["120 cookie lines", { fill: lines(`Cookie: ${"a;".repeat(55)}`, 120) }],
    ["a query of 8,000 &", query("&")],
    ["a query of parameters that are all credentials", query("k1=&")],
    ["a query of names that are badly encoded", query("%zz&")],
    ["a query of names that are no UTF-8", query("%ff%ff&")],
    ["a query of names that are encoded", query("%6b%31&")],
    ["a query of equals signs", query("=")],
    ["a query of one value that is no UTF-8", { target: `/?k1=${"%ff".repeat(2700)}` }],
    [
      "64 subprotocols that are credentials",
      { fill: () => `Sec-WebSocket-Protocol: ${times(64, (n) => `s${n % 8}.t.u.${"A".repeat(200)}${n}`, ",")}\r\n` },
    ],
    [
      "64 subprotocols of a hundred dots",
      { fill: () => `Sec-WebSocket-Protocol: ${times(64, (n) => `s${n % 8}.${"t.u.".repeat(50)}${n}`, ",")}\r\n` },
    ],
    ["subprotocols that are commas", { fill: field("Sec-WebSocket-Protocol", ",") }],
    ["subprotocols of one letter", { fill: field("Sec-WebSocket-Protocol", "a,") }],
    ["120 lines of subprotocols", { fill: lines(`Sec-WebSocket-Protocol: ${"a,".repeat(40)}a`, 120) }],
    ["extensions that are semicolons", { fill: field("Sec-WebSocket-Extensions", ";", "", "a") }],
    ["extensions of escapes", { fill: field("Sec-WebSocket-Extensions", "\\c", '"', 'a; b="') }],
    ["extensions that are commas", { fill: () => `Sec-WebSocket-Extensions: ${"a,".repeat(510)}a\r\n` }],
    ["a chain of trusted proxies", { fill: field("X-Forwarded-For", "10.1.1.1,") }],
    [
      "a chain of IPv6 addresses of trusted proxies",
      { fill: field("X-Forwarded-For", "::ffff:10.1.1.1,", "10.1.1.1") },
    ],
    ["a chain of commas", { fill: field("X-Forwarded-For", ",", "10.1.1.1") }],
    ["a chain of percent signs", { fill: field("X-Forwarded-For", "%", SEPARATOR) }],
    ["a chain of brackets", { fill: field("X-Forwarded-For", "[", "]") }],
    ["120 chains", { fill: lines(`X-Forwarded-For: ${"10.1.1.1,".repeat(10)}10.1.1.1`, 120) }],
    ["protocols of commas by a trusted proxy", { fill: field("X-Forwarded-Proto", ",", "https") }],
    ["a Host of 8,000 labels", { host: "a.".repeat(8000) }],
    ["a Host of 127 labels", { host: `${"a.".repeat(126)}a` }],
    ["a Host of one label", { host: "a".repeat(16_000) }],
    ["a Host of dots", { host: ".".repeat(16_000) }],
    ["a Host in brackets", { host: `[${":".repeat(16_000)}]` }],
    ["a Host with digits for a port", { host: `a:${"1".repeat(16_000)}` }],
    ["a path of dot segments", { target: `/${"a/.".repeat(2040)}` }],
    ["a path of semicolons", { target: `/..${";".repeat(8000)}` }],
    ["a path of slashes that are encoded", { target: `/${"%2f".repeat(2700)}` }],
    ["a path of percent signs", { target: `/${"%".repeat(8100)}` }],
    ["a path that is no UTF-8", { target: `/${"%e2%82".repeat(1350)}` }],
    ["a path of letters that are encoded", { target: `/${"%c3%a9".repeat(1350)}` }],
    ["a path that is the beginning of many", { target: `/r${"1".repeat(8000)}` }],
    ["a target that is too long", { target: `/${"a".repeat(16_000)}` }],
    ["an absolute target of 4,000 labels", { target: `http://${"a.".repeat(4000)}` }],
    ["an absolute target of colons in brackets", { target: `http://[${":".repeat(8000)}]` }],
    ["an absolute target of users", { target: `http://${"a@".repeat(4000)}a.test/` }],
    ["an absolute target with a path of dot segments", { target: `http://a.test/${"a/.".repeat(2040)}` }],
    ["Upgrade of commas", { fill: field("Upgrade", ",") }],
    ["a port of digits by a trusted proxy", { fill: field("X-Forwarded-Port", "4") }],
    ["120 ports by a trusted proxy", { fill: lines(`X-Forwarded-Port: ${"4,".repeat(40)}`, 120) }],
    ["Connection of commas", { connection: ",".repeat(16_000) }],
    ["Connection of thousands of names", { connection: times(3000, (n) => `x${n % 10}`, ",").slice(0, 16_000) }],
    ["120 Connection lines", { fill: lines(`Connection: ${"a,".repeat(50)}a`, 120) }],
    ["an Origin of 16 kB", { fill: field("Origin", "a.", "o29.test", "https://") }],
    ["an Origin of hyphens", { fill: field("Origin", "-", "!.o0.test", "https://") }],
    [
      "an Origin of 512 characters that fits nearly every wildcard",
      { fill: () => `Origin: https://${"a.".repeat(230)}!.a.o1.test\r\n` },
    ],
    ["120 Origins", { fill: lines(`Origin: https://${"a.".repeat(40)}o1.test`, 120) }],
    ["a request id of 16 kB", { fill: field("X-Request-Id", "a", "!") }],
    ["a key of 16 kB", { fill: field("Sec-WebSocket-Key", "A", "==") }],
    ["a version of 16 kB", { fill: field("Sec-WebSocket-Version", "1") }],
  ] satisfies [string, Parts][]
).map(([name, parts]) => [name, head(parts)]);
