import { describe, expect, test } from "vitest";
import type { RouteParts } from "../../test/fakes/config.ts";
import { own, send } from "../../test/fakes/outgoing.ts";
import type { HeaderField } from "../http/header-fields.ts";

describe("the target", () => {
  test.each<[string, RouteParts, string, string, string]>([
    ["is as it was", {}, "/chat/%E2%82%AC;a=b", "x=%2F&y", "/chat/%E2%82%AC;a=b?x=%2F&y"],
    [
      "replaces a prefix",
      { path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/ws" } },
      "/chat/a%20b",
      "",
      "/ws/a%20b",
    ],
    [
      "replaces a prefix that is all of it",
      { path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/ws" } },
      "/chat",
      "q",
      "/ws?q",
    ],
    [
      "keeps a slash at the end",
      { path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/ws" } },
      "/chat/",
      "",
      "/ws/",
    ],
    ["replaces by the root", { path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/" } }, "/chat/a", "", "/a"],
    ["replaces the root", { path: { type: "Prefix", value: "/" }, rewrite: { path: "/ws" } }, "/a/b", "", "/ws/a/b"],
    [
      "never gets a //",
      { path: { type: "Prefix", value: "/chat/" }, rewrite: { path: "/ws/" } },
      "/chat/a",
      "",
      "/ws/a",
    ],
    [
      "is replaced whole where the path is exact",
      { path: { type: "Exact", value: "/chat/a" }, rewrite: { path: "/ws" } },
      "/chat/a",
      "q=1",
      "/ws?q=1",
    ],
  ])("%s", (_what, route, path, query, wanted) => {
    expect(send({ route, handshake: { path, query } }).target).toBe(wanted);
  });

  test.each<[object, string, string]>([
    [{}, "a=1&apikey=s&b=2", "/chat/room?a=1&b=2"],
    [{}, "apikey=s", "/chat/room"],
    [{}, "%61pikey=s&APIKEY=t&apikey2=u", "/chat/room?APIKEY=t&apikey2=u"],
    [{}, "a=1&&b", "/chat/room?a=1&&b"],
    [{ query: { allow: ["b"] } }, "a=1&b=2&apikey=s&%62=3", "/chat/room?b=2&%62=3"],
    [{ query: { allow: [] } }, "a=1", "/chat/room"],
    [{ query: { allow: ["apikey"] } }, "apikey=s", "/chat/room"],
    [{ keepCredentials: true }, "a=1&apikey=s", "/chat/room?a=1&apikey=s"],
  ])("%j of ?%s lets %s through", (forwarding, query, wanted) => {
    expect(send({ guarded: true, forwarding, handshake: { query } }).target).toBe(wanted);
  });
});

test("credentials are taken out of headers, cookies and subprotocols, unless the route keeps them", () => {
  const handshake = {
    headers: [
      ["X-API-KEY", "s"],
      ["x_api_key", "t"],
      ["Cookie", "a=b; sid=s;c=d; sid =t"],
      ["cookie", "sid=s"],
    ] as HeaderField[],
    protocols: ["wsproxy.key.czE", "chat", "wsproxy", "wsproxy.keys"],
  };
  const without = send({ guarded: true, handshake });
  expect(own(without)).toEqual([["Cookie", "a=b; c=d"]]);
  expect(without.protocols).toEqual(["chat", "wsproxy.keys"]);
  const kept = send({ guarded: true, handshake, forwarding: { keepCredentials: true } });
  expect(own(kept)).toEqual(handshake.headers);
  expect(kept.protocols).toEqual(handshake.protocols);
  expect(send({ handshake }).protocols).toEqual(handshake.protocols);
});
