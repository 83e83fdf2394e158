import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import type { RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { apiKeyPolicy, base, Bench, SECRET, type Wanted } from "../fakes/oracle.ts";

const bench = new Bench();
const open: { close(): Promise<void> }[] = [];
beforeAll(() => bench.open());
afterAll(() => bench.close());
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const AMBIGUOUS: Wanted = { status: 400, reason: "AmbiguousTarget" };
const BAD: Wanted = { status: 400, reason: "BadHandshake" };

test.each<[string, string, Wanted?]>([
  ["C1", "/ws/../admin"],
  ["C1", "/ws/.."],
  ["C1", "/ws/./x"],
  ["C1", "/../ws"],
  ["C2", "/ws/%2e%2e/admin"],
  ["C2", "/ws/%2E%2E/admin"],
  ["C2", "/ws/.%2e/admin"],
  ["C2", "/ws/%252e%252e/admin"],
  ["C2", "/ws/%c0%ae%c0%ae/admin"],
  ["C2", "/ws/%e0%80%ae%e0%80%ae/admin"],
  ["C3", "/ws/..;foo=bar/admin"],
  ["C3", "/ws/.;/admin"],
  ["C3", "/ws/%2e%2e;x/admin"],
  ["C5", "//ws"],
  ["C5", "/ws//x"],
  ["C5", "//evil.test/ws"],
  ["C5", "///ws"],
  ["C6", "/ws%2Fadmin"],
  ["C6", "/ws%2fadmin"],
  ["C6", "/ws%5Cadmin"],
  ["C6", "/ws\\..\\admin"],
  ["C6", "/\\evil.test/ws"],
  ["C8", "/ws#/../admin"],
  ["C8", "/ws?x#y"],
  ["C9", "http://169.254.169.254/latest"],
  ["C9", "http://b.test/ws"],
  ["C9", "ws://a.test:8080/ws"],
  ["C9", "HTTPS://a.test.b.test/ws"],
  ["C9", "http://user@a.test/ws"],
  ["C9", "http://a.test/ws/../admin"],
  ["C9", "http://a.test//ws"],
  ["C9", "ftp://a.test/ws"],
  ["C10", "*"],
  ["C10", "", BAD],
  ["C10", "ws", BAD],
  ["C10", "?x", BAD],
  ["C10", "a.test:80", BAD],
  ["C11", "/ws/%00"],
  ["C11", "/ws%0d%0aX:1"],
  ["C11", "/ws%7f"],
  ["C11", "/ws/%"],
  ["C11", "/ws/%g0"],
  ["C11", "/ws/%u002e"],
])("%s %j is refused before anything is looked up", async (_row, target, wanted = AMBIGUOUS) => {
  await bench.expectRefusals(base({ target }), wanted);
});

test.each<[string, Record<string, string | readonly string[] | null>, Wanted]>([
  ["no Host", { Host: null }, BAD],
  ["an empty Host", { Host: "" }, BAD],
  ["two Hosts", { Host: ["a.test", "b.test"] }, AMBIGUOUS],
  ["the same Host twice", { Host: ["a.test", "a.test"] }, AMBIGUOUS],
  ["a list of Hosts", { Host: "a.test, b.test" }, BAD],
  ["user information", { Host: "user@a.test" }, BAD],
  ["a path", { Host: "a.test/ws" }, BAD],
  ["a port that is none", { Host: "a.test:http" }, BAD],
  ["a port too high", { Host: "a.test:65536" }, BAD],
  ["an encoded name", { Host: "%61.test" }, BAD],
  ["a name outside ASCII", { Host: "\xe4.test" }, BAD],
])("C16 %s is refused", async (_what, headers, wanted) => {
  await bench.expectRefusals(base({ headers }), wanted);
});

/** Serves these routes, all of them to one backend. */
async function served(routes: readonly RouteParts[]): Promise<{ gateway: TestGateway; backend: RawBackend }> {
  const backend = await new RawBackend((connection) => {
    connection.socket.once("end", () => connection.socket.end());
    connection.accept();
  }).open();
  open.push(backend);
  const gateway = await new TestGateway().serve({ routes }, [backend.port]);
  open.push(gateway);
  return { gateway, backend };
}

async function ask(gateway: TestGateway, target: string, host = "a.test", headers: object = {}): Promise<string> {
  const client = await RawClient.send(gateway.port, request({ target, headers: { Host: host, ...headers } }));
  const answer = await client.answer();
  client.socket.destroy();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

test.each([
  ["/ws", "101"],
  ["/ws/", "101"],
  ["/ws/a;b=c", "101"],
  ["/ws?x=/../y", "101"],
  ["/ws/...", "101"],
  ["/ws/a%20b", "101"],
  ["/ws;a=b", "404 RouteNotFound"],
  ["/wsx", "404 RouteNotFound"],
  ["/WS", "404 RouteNotFound"],
  ["/w%73", "404 RouteNotFound"],
  ["/", "404 RouteNotFound"],
  ["/admin;x=y/action", "404 RouteNotFound"],
  ["/admin", "401 CredentialMissing"],
  ["/admin/action", "401 CredentialMissing"],
  ["/admin/;x=y", "401 CredentialMissing"],
])("C3 %s is compared literally: %s", async (target, wanted) => {
  const { gateway, backend } = await served([
    { name: "open", path: { type: "Prefix", value: "/ws" } },
    { name: "guarded", path: { type: "Prefix", value: "/admin" }, policies: { authentication: apiKeyPolicy() } },
  ]);
  expect(await ask(gateway, target)).toBe(wanted);
  if (wanted === "101") expect(backend.last.head).toMatch(`GET ${target} HTTP/1.1\r\n`);
  else expect(backend.connections.length).toBe(0);
});

test.each([
  ["http://a.test/ws/room", "a.test", "/ws/room"],
  ["HTTP://A.TEST/ws", "a.test", "/ws"],
  ["ws://a.test/ws?x=1", "A.test:80", "/ws?x=1"],
  ["wss://a.test:443/ws", "a.test", "/ws"],
  ["http://a.test:8080/ws", "a.test:8080", "/ws"],
])("C9 %s with the Host %s reaches the backend as %s", async (target, host, wanted) => {
  const { gateway, backend } = await served([{ path: { type: "Prefix", value: "/ws" }, hostnames: ["a.test"] }]);
  expect(await ask(gateway, target, host)).toBe("101");
  expect(backend.last.head.split("\r\n", 1)[0]).toBe(`GET ${wanted} HTTP/1.1`);
  expect(backend.last.values("host")).toEqual([host]);
  expect(backend.last.values("x-forwarded-host")).toEqual([host]);
});

test("C9 an absolute target is routed, rewritten and asked for a credential as its path would be", async () => {
  const { gateway, backend } = await served([
    { name: "open", path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/ws" } },
    { name: "guarded", path: { type: "Prefix", value: "/admin" }, policies: { authentication: apiKeyPolicy() } },
  ]);
  expect(await ask(gateway, "http://a.test/chat/a?x")).toBe("101");
  expect(backend.last.head).toMatch("GET /ws/a?x HTTP/1.1\r\n");
  expect(await ask(gateway, "http://a.test/admin")).toBe("401 CredentialMissing");
  expect(await ask(gateway, `http://a.test/admin?apikey=${SECRET}`)).toBe("101");
  expect(backend.last.head).toMatch("GET /admin HTTP/1.1\r\n");
  expect(await ask(gateway, "http://a.test")).toBe("404 RouteNotFound");
});

test.each<[object, string]>([
  [{ hostname: "echo.internal" }, "/chat/a?x"],
  [{ hostname: "echo.internal", path: "/ws" }, "/ws/a?x"],
])(
  "a route with the rewrite %j gives the backend its Host, and X-Forwarded-Host says the client's",
  async (rewrite, target) => {
    const { gateway, backend } = await served([{ path: { type: "Prefix", value: "/chat" }, rewrite }]);
    expect(await ask(gateway, "/chat/a?x", "Chat.example.com:8443", { Origin: "https://chat.example.com:8443" })).toBe(
      "101",
    );
    expect(backend.last.head.split("\r\n", 1)[0]).toBe(`GET ${target} HTTP/1.1`);
    expect(backend.last.values("host")).toEqual(["echo.internal"]);
    expect(backend.last.values("x-forwarded-host")).toEqual(["Chat.example.com:8443"]);
    expect(backend.last.values("x-forwarded-port")).toEqual(["8443"]);
    expect(backend.last.values("origin")).toEqual(["https://chat.example.com:8443"]);
  },
);

test.each([
  ["/chat/a%23b", "/ws/a%23b"],
  ["/chat/a%3Fb?c=d%2Fe", "/ws/a%3Fb?c=d%2Fe"],
  ["/chat", "/ws"],
  ["/chat/", "/ws/"],
  ["/chat?x", "/ws?x"],
  ["/chat/%E2%82%AC/b", "/ws/%E2%82%AC/b"],
])("C12 %s is rewritten to %s, byte for byte behind the prefix", async (target, wanted) => {
  const { gateway, backend } = await served([{ path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/ws" } }]);
  expect(await ask(gateway, target)).toBe("101");
  expect(backend.last.head.split("\r\n", 1)[0]).toBe(`GET ${wanted} HTTP/1.1`);
});

test("C12 an encoded separator never becomes a segment of its own", async () => {
  const { gateway, backend } = await served([{ path: { type: "Prefix", value: "/chat" }, rewrite: { path: "/ws" } }]);
  expect(await ask(gateway, "/chat/a%2Fb%23")).toBe("400 AmbiguousTarget");
  expect(backend.connections.length).toBe(0);
});

test.each([1, 99, 101, 10_000])("C14 case, port and a trailing dot do not matter, with %i hosts", async (count) => {
  const names = Array.from({ length: count }, (_, at) => (at === 0 ? "a.test" : `h${at}.test`));
  const routes = Array.from({ length: Math.ceil(count / 64) }, (_, at) => ({
    name: `r${at}`,
    hostnames: names.slice(at * 64, at * 64 + 64),
    policies: { authentication: apiKeyPolicy() },
  }));
  const { gateway } = await served(routes);
  const last = (names.at(-1) ?? "").toUpperCase();
  for (const host of ["a.test", "A.TEST", "A.Test:443", "a.test.", last, `${last}:8080`]) {
    expect(await ask(gateway, "/", host), host).toBe("401 CredentialMissing");
    expect(await ask(gateway, "/", host, { "X-Api-Key": SECRET }), host).toBe("101");
  }
  expect(await ask(gateway, "/", "b.test", { "X-Api-Key": SECRET })).toBe("404 RouteNotFound");
  expect(await ask(gateway, "/", "xa.test", { "X-Api-Key": SECRET })).toBe("404 RouteNotFound");
});
