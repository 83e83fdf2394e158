import { expect, test } from "vitest";
import { foldHeaderName } from "../../api/names.ts";
import type { RouteParts } from "../../test/fakes/config.ts";
import { apiKeyPolicy } from "../../test/fakes/oracle.ts";
import { own, send, sendTo, value } from "../../test/fakes/outgoing.ts";
import type { HeaderField } from "../http/header-fields.ts";
import { CLAIMED_HEADERS } from "./claimed-headers.ts";
import { headerText, type OutgoingRequest } from "./outgoing.ts";

test("the gateway's own fields name the client, its scheme, host and port", () => {
  const request = send({ identity: { client: "alice" } });
  expect(request.authority).toBe("A.test:8443");
  expect(request.headers).toEqual([
    ["X-Forwarded-For", "192.0.2.1"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "A.test:8443"],
    ["X-Forwarded-Port", "8080"],
    ["X-Request-Id", "req-0001"],
    ["x-wsproxy-client", "alice"],
  ]);
});

test("for a client without an identity there is no client header, whatever the client sent under its name", () => {
  const request = send({ handshake: { headers: [["X_WSPROXY.Client", "root"]] } });
  expect(request.headers.map(([name]) => name.toLowerCase())).not.toContain("x-wsproxy-client");
  expect(own(request)).toEqual([]);
});

test("fields go on in order and as they were written, repeated ones too", () => {
  const headers: HeaderField[] = [
    ["X-B", "1"],
    ["x-a", "2"],
    ["X-B", "3"],
    ["Cookie", "a=b;  c=d"],
    ["Authorization", "Basic x"],
  ];
  expect(own(send({ handshake: { headers } }))).toEqual(headers);
});

test.each<[string, object, HeaderField[], HeaderField[]]>([
  [
    "allow",
    { headers: { allow: ["X-A", "x.b"] } },
    [
      ["x_a", "1"],
      ["X-B", "2"],
      ["X-C", "3"],
    ],
    [
      ["x_a", "1"],
      ["X-B", "2"],
    ],
  ],
  ["allow nothing", { headers: { allow: [] } }, [["x-a", "1"]], []],
  [
    "allow what is the gateway's",
    { headers: { allow: ["x-real-ip", "te", "x-a"] } },
    [
      ["X-Real-IP", "1"],
      ["TE", "x"],
      ["X-A", "1"],
    ],
    [["X-A", "1"]],
  ],
  [
    "remove",
    { headers: { remove: ["X-A"] } },
    [
      ["x.A", "1"],
      ["X-B", "2"],
    ],
    [["X-B", "2"]],
  ],
  [
    "set",
    { headers: { set: [{ name: "x-env", value: "prod" }] } },
    [
      ["X_Env", "dev"],
      ["X-B", "2"],
    ],
    [["X-B", "2"]],
  ],
  ["a claim's name", { claimHeaders: [{ claim: "t", header: "x-tenant" }] }, [["X-Tenant", "1"]], []],
])("headers: %s", (_what, forwarding, headers, wanted) => {
  expect(own(send({ forwarding, handshake: { headers } }))).toEqual(wanted);
});

const spellings = (name: string): string[] => {
  const one = name.replace("*", "user");
  return [one, one.toUpperCase(), one.replaceAll("-", "_"), one.replaceAll("-", ".")];
};

test.each(Object.keys(CLAIMED_HEADERS))(
  "a client's own %s does not reach the backend unless the policy lists it",
  (name) => {
    const headers = [...spellings(name), "X-Mine"].map((one): HeaderField => [one, "root"]);
    expect(own(send({ handshake: { headers } }))).toEqual([["X-Mine", "root"]]);
    const [listed = ""] = spellings(name);
    const allow = [listed.replaceAll("-", "_").toUpperCase(), "x-mine"];
    // The gateway's own client header is written by the gateway, whatever is listed.
    const wanted = name === "x-wsproxy-client" ? [["X-Mine", "root"]] : headers;
    expect(own(send({ forwarding: { headers: { allow } }, handshake: { headers } }))).toEqual(wanted);
    const set = { headers: { set: [{ name: listed, value: "ours" }] } };
    if (name === "x-wsproxy-client") return;
    const request = send({ forwarding: set, handshake: { headers } });
    expect(request.headers.filter(([it]) => foldHeaderName(it) === foldHeaderName(listed))).toEqual([[listed, "ours"]]);
  },
);

test("a client id or a claim may go on under a name that proxies use, and the client's own line does not", () => {
  const forwarding = {
    clientHeader: "X-Forwarded-User",
    claimHeaders: [{ claim: "email", header: "x-forwarded-email" }],
  };
  const headers: HeaderField[] = [
    ["x_forwarded_user", "root"],
    ["X-Forwarded-Email", "root@a.test"],
    ["X-Forwarded-Groups", "admin"],
  ];
  const request = send({
    forwarding,
    handshake: { headers },
    identity: { client: "alice", claims: { email: "a@a.test" } },
  });
  expect(own(request)).toEqual([]);
  expect(value(request, "x-forwarded-user")).toEqual(["alice"]);
  expect(value(request, "x-forwarded-email")).toEqual(["a@a.test"]);
});

test("a credential that the backend is to get goes on under a name that proxies use", () => {
  const authentication = apiKeyPolicy([{ header: "X-Auth-Request-Access-Token" }]);
  const headers: HeaderField[] = [["x-auth-request-access-token", "s"]];
  const policies = (keepCredentials: boolean): RouteParts => ({
    policies: { authentication, forwarding: { keepCredentials } },
  });
  expect(own(sendTo(policies(true), { headers }))).toEqual(headers);
  expect(own(sendTo(policies(false), { headers }))).toEqual([]);
});

test.each(["X-Mine", "upgrade, x_mine", "close,X.MINE"])(
  "Connection: %s keeps the field it names on this hop",
  (connection) => {
    const headers: HeaderField[] = [
      ["Connection", connection],
      ["X-Mine", "1"],
      ["X-Other", "2"],
    ];
    expect(own(send({ handshake: { headers } }))).toEqual([["X-Other", "2"]]);
  },
);

const ABOUT = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Request-Id"];
/** All lines that a backend may take for this header. */
const alike = (request: OutgoingRequest, name: string): HeaderField[] =>
  request.headers.filter(([it]) => foldHeaderName(it) === foldHeaderName(name));

test.each(ABOUT.flatMap((name) => [name, ...spellings(name)]))("the policy may remove and set %s", (name) => {
  const headers: HeaderField[] = [
    [name, "root"],
    ["X-Mine", "1"],
  ];
  const sent = (settings: object): OutgoingRequest =>
    send({ forwarding: { headers: settings }, handshake: { headers } });
  expect(alike(sent({ remove: [name] }), name)).toEqual([]);
  expect(alike(sent({ set: [{ name, value: "ours" }] }), name)).toEqual([[name, "ours"]]);
  expect(alike(sent({ remove: [name], set: [{ name, value: "ours" }] }), name)).toEqual([[name, "ours"]]);
  for (const other of ABOUT.filter((it) => foldHeaderName(it) !== foldHeaderName(name))) {
    expect(alike(sent({ remove: [name] }), other), other).toHaveLength(1);
  }
});

test("the route's hostname is the Host that the backend gets; X-Forwarded-Host and -Port stay the client's", () => {
  const route = (rewrite: object): OutgoingRequest => send({ route: { rewrite } });
  for (const [rewrite, target] of [
    [{ hostname: "echo.internal" }, "/chat/room"],
    [{ hostname: "echo.internal", path: "/ws" }, "/ws/chat/room"],
  ] as const) {
    const request = route(rewrite);
    expect(request).toMatchObject({ authority: "echo.internal", target });
    expect(value(request, "x-forwarded-host")).toEqual(["A.test:8443"]);
    expect(value(request, "x-forwarded-port")).toEqual(["8080"]);
  }
  expect(route({ path: "/ws" }).authority).toBe("A.test:8443");
});

test.each<[unknown, string | undefined]>([
  ["acme", "acme"],
  [7, "7"],
  [9_007_199_254_740_991, "9007199254740991"],
  [2 ** 53, undefined],
  [1e21, undefined],
  [["a", 2 ** 53], undefined],
  [{ a: [{ b: 2 ** 53 }] }, undefined],
  [1.5, "1.5"],
  [true, "true"],
  [["a", 1], "a,1"],
  [["a,b", "c"], '["a,b","c"]'],
  [{ a: 1 }, '{"a":1}'],
  ["", "=?base64url??="],
  [" a", `=?base64url?${Buffer.from(" a").toString("base64url")}?=`],
  ["a\nb", `=?base64url?${Buffer.from("a\nb").toString("base64url")}?=`],
  [null, undefined],
  [undefined, undefined],
  [["x".repeat(4097)], undefined],
])("a claim of %.20j becomes %j", (claim, wanted) => {
  const request = send({
    identity: { claims: { t: claim } },
    forwarding: { claimHeaders: [{ claim: "t", header: "x-tenant" }] },
  });
  expect(value(request, "x-tenant")).toEqual(wanted === undefined ? [] : [wanted]);
});

test("a text that looks encoded is encoded itself, so that no client can pass for another", () => {
  const disguised = headerText("\u00e9") ?? "";
  expect(headerText(disguised)).not.toBe(disguised);
  expect(headerText("x".repeat(4096))).toBe("x".repeat(4096));
});

test("of the extensions only permessage-deflate goes on, and none where compression is off", () => {
  const extensions = "x-a, permessage-deflate; client_max_window_bits, PerMessage-Deflate";
  expect(send({ handshake: { extensions } }).extensions).toBe(
    "permessage-deflate; client_max_window_bits, PerMessage-Deflate",
  );
  expect(send({ handshake: { extensions: "x-a" } }).extensions).toBeUndefined();
  expect(send({ handshake: { extensions }, compression: "Disabled" }).extensions).toBeUndefined();
});
