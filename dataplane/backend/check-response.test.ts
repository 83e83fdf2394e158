import { expect, test } from "vitest";
import { acceptOf } from "../http/accept-key.ts";
import { checkResponse, type SwitchingResponse } from "./check-response.ts";
import type { HeaderField } from "../http/header-fields.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const OFFER = "permessage-deflate; client_max_window_bits";

function check(fields: Record<string, string[]> = {}, change: Partial<SwitchingResponse> = {}): object {
  const base: Record<string, string[]> = {
    Upgrade: ["websocket"],
    Connection: ["Upgrade"],
    "Sec-WebSocket-Accept": ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ...fields,
  };
  const headers = Object.entries(base).flatMap(([name, values]) => values.map((value): HeaderField => [name, value]));
  return checkResponse({
    status: 101,
    httpVersion: "1.1",
    headers,
    key: KEY,
    protocols: ["chat", "super"],
    extensions: OFFER,
    ...change,
  });
}

test("the accept is that of RFC 6455 §1.3", () => {
  expect(acceptOf(KEY)).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test.each<[string, Record<string, string[]>, object]>([
  ["nothing agreed on", {}, { protocol: undefined, extensions: undefined }],
  ["names and values in another case", { Upgrade: ["WebSocket"], Connection: ["keep-alive, UPGRADE"] }, {}],
  ["Connection over two lines", { Connection: ["keep-alive", "upgrade"] }, {}],
  ["an offered subprotocol", { "Sec-WebSocket-Protocol": ["super"] }, { protocol: "super" }],
  ["deflate", { "Sec-WebSocket-Extensions": ["permessage-deflate"] }, { extensions: "permessage-deflate" }],
  [
    "deflate with every parameter",
    {
      "Sec-WebSocket-Extensions": [
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15",
      ],
    },
    {},
  ],
  ["a Content-Length of zero", { "Content-Length": ["0"] }, {}],
  ["a Content-Length of zero over two lines", { "content-length": ["0", "0"] }, {}],
  [
    "empty elements of Upgrade and Connection",
    { Upgrade: [", websocket,"], Connection: ["", "keep-alive,,upgrade"] },
    {},
  ],
  ["an accept with white space", { "Sec-WebSocket-Accept": [" \ts3pPLMBiTxaQ9kYGzzhZRbK+xOo= "] }, {}],
  ["an empty subprotocol", { "Sec-WebSocket-Protocol": [""] }, { protocol: undefined }],
  ["a subprotocol and a comma", { "Sec-WebSocket-Protocol": ["chat,", ""] }, { protocol: "chat" }],
  ["an empty extension", { "Sec-WebSocket-Extensions": [""] }, { extensions: undefined }],
  [
    "deflate and commas",
    { "Sec-WebSocket-Extensions": [",permessage-deflate ,"] },
    { extensions: "permessage-deflate" },
  ],
  ["a quoted value", { "Sec-WebSocket-Extensions": ['permessage-deflate; server_max_window_bits="10"'] }, {}],
])("%s passes", (_what, fields, wanted) => {
  expect(check(fields)).toMatchObject(wanted);
  expect(check(fields)).not.toHaveProperty("problem");
});

test.each<[string, Record<string, string[]>, string]>([
  ["Upgrade", { Upgrade: ["h2c"] }, "Upgrade"],
  ["Connection", { Connection: ["close"] }, "Connection"],
  ["the accept", { "Sec-WebSocket-Accept": ["x"] }, "Sec-WebSocket-Accept"],
  ["two accepts", { "Sec-WebSocket-Accept": ["x", "x"] }, "Sec-WebSocket-Accept"],
  ["a length", { "Content-Length": ["5"] }, "Content-Length"],
  ["chunks", { "Transfer-Encoding": ["chunked"] }, "Transfer-Encoding"],
  ["the subprotocol", { "Sec-WebSocket-Protocol": ["other"] }, "Sec-WebSocket-Protocol"],
  ["two subprotocols", { "Sec-WebSocket-Protocol": ["chat, super"] }, "Sec-WebSocket-Protocol"],
  ["the extension", { "Sec-WebSocket-Extensions": ["x"] }, "Sec-WebSocket-Extensions"],
])("the problem with %s names the header", (_what, fields, name) => {
  expect(check(fields)).toEqual({ problem: expect.stringContaining(name) as unknown });
});

test.each<[string, Record<string, string[]>, Partial<SwitchingResponse>?]>([
  ["another status", {}, { status: 200 }],
  ["HTTP/1.0", {}, { httpVersion: "1.0" }],
  ["129 fields", { "X-A": Array<string>(126).fill("a") }],
  ["no Upgrade", { Upgrade: [] }],
  ["h2c", { Upgrade: ["h2c"] }],
  ["two Upgrades", { Upgrade: ["websocket", "websocket"] }],
  ["no Connection", { Connection: [] }],
  ["65 Connection options", { Connection: [`Upgrade${", a".repeat(64)}`] }],
  ["Connection without upgrade", { Connection: ["keep-alive, upgraded"] }],
  ["no accept", { "Sec-WebSocket-Accept": [] }],
  ["a wrong accept", { "Sec-WebSocket-Accept": ["AAAAAAAAAAAAAAAAAAAAAAAAAAA="] }],
  ["the accept in another case", { "Sec-WebSocket-Accept": ["S3pPLMBiTxaQ9kYGzzhZRbK+xOo="] }],
  ["a Content-Length of five", { "content-length": ["5"] }],
  ["a Content-Length of zero and one of five", { "content-length": ["0", "5"] }],
  ["a Content-Length that is no number", { "content-length": ["0x0"] }],
  ["an empty Content-Length", { "content-length": [""] }],
  ["a Content-Length of less than zero", { "content-length": ["-0"] }],
  [
    "a Transfer-Encoding beside a Content-Length of zero",
    { "content-length": ["0"], "Transfer-Encoding": ["chunked"] },
  ],
  ["an empty Upgrade", { Upgrade: [""] }],
  ["65 elements of Upgrade", { Upgrade: [`websocket${",".repeat(64)}`] }],
  ["65 elements of a subprotocol", { "Sec-WebSocket-Protocol": [",".repeat(64)] }],
  ["65 elements of an extension", { "Sec-WebSocket-Extensions": [",".repeat(64)] }],
  ["an empty accept", { "Sec-WebSocket-Accept": [""] }],
  ["Transfer-Encoding", { "Transfer-Encoding": ["chunked"] }],
  ["a subprotocol that was not offered", { "Sec-WebSocket-Protocol": ["other"] }],
  ["two subprotocols", { "Sec-WebSocket-Protocol": ["chat", "super"] }],
  [
    "an extension where none was offered",
    { "Sec-WebSocket-Extensions": ["permessage-deflate"] },
    { extensions: undefined },
  ],
  ["another extension", { "Sec-WebSocket-Extensions": ["x"] }],
  ["two extensions", { "Sec-WebSocket-Extensions": ["permessage-deflate", "permessage-deflate"] }],
  ["an extension with an empty name", { "Sec-WebSocket-Extensions": ["; server_no_context_takeover"] }],
  ["a value for a flag", { "Sec-WebSocket-Extensions": ["permessage-deflate; server_no_context_takeover=1"] }],
  ["no value for a number", { "Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits"] }],
  ["16 bits", { "Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits=16"] }],
  ["two values for a number", { "Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits=8=9"] }],
  ["08 bits", { "Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits=08"] }],
  [
    "a client window that was not offered",
    { "Sec-WebSocket-Extensions": ["permessage-deflate; client_max_window_bits=9"] },
    { extensions: "permessage-deflate" },
  ],
])("%s is a problem", (_what, fields, change) => {
  expect(check(fields, change)).toHaveProperty("problem");
});
