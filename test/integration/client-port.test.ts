import { afterEach, beforeAll, expect, test } from "vitest";
import { polite, RawBackend, type BackendConnection } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, request } from "../fakes/clients.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";

// A browser's Origin has the port that the browser connects to. Spring and others refuse it unless they get the same from
// the headers of the proxy in front.

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

interface Case {
  readonly origin: string;
  readonly host: string;
  readonly tls?: boolean;
  /** What a trusted proxy in front says. */
  readonly said?: Readonly<Record<string, string>>;
  /** What a client says that is no trusted proxy. */
  readonly madeUp?: Readonly<Record<string, string>>;
  readonly rewrite?: { readonly hostname: string };
}

/** The status of the answer, and the handshake that the backend gets. */
async function ask({ origin, host, tls = false, said, madeUp, rewrite }: Case, policies: object = {}) {
  const backend = await new RawBackend(polite).open();
  open.push(backend);
  const parts: ConfigParts = {
    ...(tls ? { tls: { keyPair: await ca.issue({ names: ["a.test"] }) } } : {}),
    trustedProxies: said === undefined ? [] : ["127.0.0.1"],
    routes: [{ policies: { ...policies }, ...(rewrite === undefined ? {} : { rewrite }) }],
  };
  const gateway = await new TestGateway().serve(parts, [backend.port]);
  open.push(gateway);
  const { port } = gateway;
  const client = tls ? await RawClient.openTls(port, { ca: ca.ca, servername: "a.test" }) : await RawClient.open(port);
  client.socket.write(request({ headers: { Host: host, Origin: origin, ...said, ...madeUp } }));
  const { status } = await client.answer();
  client.socket.destroy();
  await gateway.empty();
  return { status, backend };
}

const USUAL: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** The origin as Spring's ForwardedHeaderFilter puts it together; the port of the scheme is left out. */
function computed(backend: BackendConnection): string {
  const first = (name: string): string => backend.values(name)[0]?.split(",")[0]?.trim() ?? "";
  const scheme = first("x-forwarded-proto");
  const [, host = "", hostPort = ""] = /^(\[[^\]]*\]|[^:]*):?(\d*)$/.exec(first("x-forwarded-host")) ?? [];
  const port = first("x-forwarded-port") || hostPort;
  return port === "" || port === USUAL[scheme] ? `${scheme}://${host}` : `${scheme}://${host}:${port}`;
}

const https = { "X-Forwarded-Proto": "https" };

test.each<[string, Case]>([
  ["a high port, such as a NodePort", { origin: "http://a.test:30080", host: "a.test:30080" }],
  ["the usual port", { origin: "http://a.test", host: "a.test" }],
  ["the usual port, written", { origin: "http://a.test", host: "a.test:80" }],
  ["an address", { origin: "http://[::1]:30080", host: "[::1]:30080" }],
  ["an address without a port", { origin: "http://[2001:db8::1]", host: "[2001:db8::1]" }],
  ["TLS", { tls: true, origin: "https://a.test", host: "a.test" }],
  ["TLS on a high port", { tls: true, origin: "https://a.test:8443", host: "a.test:8443" }],
  ["TLS that a proxy ends", { origin: "https://a.test", host: "a.test", said: https }],
  ["TLS that a proxy ends on a high port", { origin: "https://a.test:8443", host: "a.test:8443", said: https }],
  [
    "a proxy that ends TLS and leaves the port out of Host",
    { origin: "https://a.test:8443", host: "a.test", said: { ...https, "X-Forwarded-Port": "8443" } },
  ],
  [
    "a proxy that ends TLS and says the usual port",
    { origin: "https://a.test", host: "a.test", said: { ...https, "X-Forwarded-Port": "443" } },
  ],
  [
    "two proxies that say different ports",
    { origin: "https://a.test", host: "a.test", said: { ...https, "X-Forwarded-Port": "443, 80" } },
  ],
  [
    "two proxies that each say the port",
    { origin: "https://a.test:8443", host: "a.test", said: { ...https, "X-Forwarded-Port": "8443, 8443" } },
  ],
  ["a proxy without TLS", { origin: "http://a.test", host: "a.test", said: { "X-Forwarded-Proto": "http" } }],
  ["a client that makes a port up", { origin: "http://a.test", host: "a.test", madeUp: { "X-Forwarded-Port": "1" } }],
  ["another Host for the backend", { origin: "http://a.test:81", host: "a.test:81", rewrite: { hostname: "b.test" } }],
])("behind %s a backend finds the browser's own origin", async (_what, one) => {
  const { status, backend } = await ask(one);
  expect(status).toBe(101);
  expect(backend.last.values("x-forwarded-port")).toHaveLength(1);
  expect(computed(backend.last)).toBe(one.origin);
  expect(backend.last.values("origin")).toEqual([one.origin]);
});

const sameOrigin = { origins: { allow: [], allowMissing: false, sameOrigin: true } };
const behind = (port: string) => ({ host: "a.test", said: { ...https, "X-Forwarded-Port": port } });

test.each<[string, Case, number]>([
  ["the port that a trusted proxy says", { origin: "https://a.test:8443", ...behind("8443") }, 101],
  ["the usual port", { origin: "https://a.test", ...behind("443") }, 101],
  ["another port", { origin: "https://a.test:8444", ...behind("8443") }, 403],
  ["another scheme", { origin: "http://a.test:8443", ...behind("8443") }, 403],
  ["another host", { origin: "https://b.test:8443", ...behind("8443") }, 403],
  [
    "a port that the client made up",
    { origin: "http://a.test:81", host: "a.test", madeUp: { "X-Forwarded-Port": "81" } },
    403,
  ],
  ["TLS on the port of http", { origin: "https://a.test:80", host: "a.test" }, 403],
])(
  "where only pages of the same origin may connect, one with %s is judged by that port",
  async (_what, one, status) => {
    expect((await ask(one, sameOrigin)).status).toBe(status);
  },
);
