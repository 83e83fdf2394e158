import { afterAll, beforeAll, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { apiKeyPolicy, base, Bench, SECRET, WRONG_SECRET, type Wanted } from "../fakes/oracle.ts";

const bench = new Bench();
beforeAll(() =>
  bench.open(
    {
      policies: {
        authentication: apiKeyPolicy(),
        origins: { allow: ["https://app.test"], allowMissing: true },
        attempts: [{ per: "IP", limit: 1000, interval: "1h", burst: 1000 }],
        deny: { clients: ["mallory"], tokenIds: [], addresses: [] },
      },
    },
    { routes: [{ path: { type: "Prefix", value: "/nowhere" }, backends: [] }] },
  ),
);
afterAll(() => bench.close());

const PLAIN = { Connection: null, Upgrade: null, "Sec-WebSocket-Version": null, "Sec-WebSocket-Key": null };
const OLD = { "Sec-WebSocket-Version": "8" };
const UPGRADE: Wanted = { status: 426, reason: "UpgradeRequired" };
const MISSING: Wanted = {
  status: 401,
  reason: "CredentialMissing",
  headers: { "www-authenticate": 'ApiKey realm="wsproxy"' },
};
const INVALID: Wanted = {
  status: 401,
  reason: "CredentialInvalid",
  headers: { "www-authenticate": 'ApiKey realm="wsproxy"' },
};
const UNKNOWN: Wanted = { status: 404, reason: "RouteNotFound" };
const ORIGIN: Wanted = { status: 403, reason: "OriginForbidden" };

/** A plain request and one of another version get the same answers as an upgrade; only a good one differs. */
test.each<[string, Wanted, object, string | undefined]>([
  ["an unknown route", UNKNOWN, {}, "/other"],
  ["an unknown route with a credential", UNKNOWN, { "X-Api-Key": SECRET }, "/wss"],
  ["no credential", MISSING, {}, undefined],
  ["an empty credential", MISSING, { "X-Api-Key": "" }, undefined],
  ["a wrong credential", INVALID, { "X-Api-Key": WRONG_SECRET }, undefined],
  ["a foreign page with a credential", ORIGIN, { "X-Api-Key": SECRET, Origin: "https://evil.test" }, undefined],
  ["a foreign page without a credential", ORIGIN, { Origin: "null" }, undefined],
  ["two credentials", { status: 400, reason: "AmbiguousCredential" }, { "X-Api-Key": [SECRET, SECRET] }, undefined],
  ["an ambiguous target", { status: 400, reason: "AmbiguousTarget" }, { "X-Api-Key": SECRET }, "/ws/../ws"],
])("A5 %s is answered alike whatever else the request is", async (_what, wanted, headers, target = "/ws") => {
  for (const kind of [{}, PLAIN, OLD, { Connection: "keep-alive" }, { Expect: "100-continue", ...PLAIN }]) {
    await bench.expectRefusal(request({ target, headers: { ...kind, ...headers } }), wanted);
  }
});

test.each<[string, object]>([
  ["a plain request", PLAIN],
  ["a keep-alive request", { ...PLAIN, Connection: "keep-alive", "Keep-Alive": "timeout=5" }],
  ["Expect: 100-continue", { ...PLAIN, Expect: "100-continue" }],
  ["an unknown expectation", { ...PLAIN, Expect: "much" }],
  ["TE and Trailer", { ...PLAIN, TE: "trailers", Trailer: "X-A" }],
  ["Upgrade without Connection", { Connection: null }],
])("A5 %s with a good credential gets 426 last of all", async (_what, headers) => {
  await bench.expectRefusals(base({ headers: headers as Record<string, string | null> }), UPGRADE);
});

test("A4 another version with a good credential gets 426 after the credential has been checked", async () => {
  await bench.expectRefusals(base({ headers: OLD }), { status: 426, reason: "VersionUnsupported" });
});

test("a route without endpoints is 401 first, then 426 to a plain request, then 503", async () => {
  const { gateway } = bench;
  const ask = async (headers: object): Promise<string> => {
    const client = await RawClient.send(gateway.port, request({ target: "/nowhere", headers: { ...headers } }));
    const answer = await client.answer();
    client.socket.destroy();
    return `${answer.status} ${reasonOf(answer)} ${answer.headers.get("retry-after") ?? ""}`.trim();
  };
  expect(await ask(PLAIN)).toBe("426 UpgradeRequired");
  expect(await ask({})).toBe("503 NoEndpoints 1");
});

test("429 and 503 carry Retry-After", async () => {
  const backend = await new RawBackend().open();
  const gateway = new TestGateway();
  const limited = (path: string, policies: object): object => ({
    name: path.slice(1),
    path: { type: "Prefix", value: path },
    policies,
  });
  try {
    await gateway.serve(
      {
        routes: [
          limited("/ip", { attempts: [{ per: "IP", limit: 1, interval: "10s", burst: 1 }] }),
          limited("/route", { attempts: [{ per: "Route", limit: 1, interval: "10s", burst: 1 }] }),
          limited("/mine", { connections: [{ per: "IP", limit: 1 }] }),
          limited("/ours", { connections: [{ per: "Route", limit: 1 }] }),
        ],
      },
      [backend.port],
    );
    const ask = async (target: string): Promise<RawClient> => RawClient.send(gateway.port, request({ target }));
    const rows: [string, number, string, RegExp][] = [
      ["/ip", 429, "AttemptLimit", /^(9|10)$/],
      ["/route", 503, "AttemptLimit", /^(9|10)$/],
      ["/mine", 429, "ConnectionLimit", /^[1-9]\d*$/],
      ["/ours", 503, "ConnectionLimit", /^[1-9]\d*$/],
    ];
    for (const [target, status, reason, retryAfter] of rows) {
      const first = await ask(target);
      expect((await first.answer()).status).toBe(101);
      const answer = await (await ask(target)).answer();
      expect([answer.status, reasonOf(answer)]).toEqual([status, reason]);
      expect(answer.headers.get("retry-after")).toMatch(retryAfter);
      first.socket.destroy();
    }
  } finally {
    await gateway.close();
    await backend.close();
  }
});
