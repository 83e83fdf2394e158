import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request, type RawAnswer } from "../fakes/clients.ts";
import { close, parse, text } from "../fakes/frames.ts";
import { FakeClock } from "../fakes/clock.ts";
import type { ConfigParts, RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { StoreTruth } from "../fakes/shared-limits.ts";
import { until } from "../fakes/sockets.ts";

describe.each([{ counted: "in the pod" }, { counted: "in a store" }])("counted $counted", ({ counted }) => {
  let backend: RawBackend;
  let gateway: TestGateway;
  let clock: FakeClock;
  let clients: RawClient[];

  beforeEach(async () => {
    clock = new FakeClock();
    clients = [];
    backend = await new RawBackend(polite).open();
    const truth = counted === "in a store" ? new StoreTruth(clock) : undefined;
    gateway = new TestGateway(clock, undefined, undefined, undefined, truth);
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    await gateway.close();
    await backend.close();
  });

  async function serve(parts: ConfigParts, ports: readonly number[]): Promise<void> {
    await gateway.serve({ ...parts, ...(counted === "in a store" ? { store: { address: "store:6379" } } : {}) }, ports);
  }

  const keys = withKeys(["alice", "bob"]);
  /** Two routes, to tell limits per route from those of all. */
  const routes = (policies: object, own = true): RouteParts[] =>
    ["one", "two"].map((name) => ({
      name,
      path: { type: "Prefix" as const, value: `/${name}` },
      policies: { ...keys, ...policies },
      ownPolicies: own ? Object.keys(policies) : [],
    }));

  interface Party {
    readonly client?: string;
    readonly address?: string;
    readonly target?: string;
  }

  /** A handshake, with the client left open if it is accepted. */
  async function handshake({
    client = "alice",
    address = "192.0.2.1",
    target = "/one",
  }: Party = {}): Promise<RawAnswer> {
    const headers = { "X-Api-Key": keyOf(client), "X-Forwarded-For": address };
    const one = await RawClient.send(gateway.port, request({ target, headers }));
    clients.push(one);
    return one.answer();
  }

  async function statuses(count: number, party: Party = {}): Promise<number[]> {
    const found: number[] = [];
    for (let n = 0; n < count; n += 1) found.push((await handshake(party)).status);
    return found;
  }

  /** Closes the last of the open clients, and waits until the gateway has seen it. */
  async function leave(): Promise<void> {
    const before = gateway.sessions;
    const last = clients.findLast((it) => it.received.includes("101 Switching") && !it.closed);
    last?.socket.destroy();
    await until("the session ended", () => gateway.sessions === before - 1);
  }

  const trusting = { trustedProxies: ["127.0.0.1"] };

  describe.each([
    { per: "Client", status: 429, others: { client: "bob" }, same: { address: "192.0.2.9" } },
    { per: "IP", status: 429, others: { address: "192.0.2.9" }, same: { client: "bob" } },
    { per: "Route", status: 503, others: { target: "/two" }, same: { client: "bob", address: "192.0.2.9" } },
    { per: "Proxy", status: 503, others: undefined, same: { client: "bob", target: "/two" } },
  ])("per $per", ({ per, status, others, same }) => {
    test("of handshakes so many pass, the next is refused undialled, and passes when its token is back", async () => {
      await serve({ ...trusting, routes: routes({ attempts: [{ per, limit: 2, interval: "4s" }] }, false) }, [
        backend.port,
      ]);
      expect(await statuses(2)).toEqual([101, 101]);
      const refused = await handshake();
      expect([refused.status, reasonOf(refused), refused.headers.get("retry-after")]).toEqual([
        status,
        "AttemptLimit",
        "2",
      ]);
      expect((await handshake(same)).status).toBe(status);
      if (others !== undefined) expect((await handshake(others)).status).toBe(101);
      const dialled = backend.connections.length;
      clock.advance(1999);
      expect((await handshake()).status).toBe(status);
      expect(backend.connections).toHaveLength(dialled);
      clock.advance(1);
      expect(await statuses(2)).toEqual([101, status]);
      expect(await gateway.metric("handshakes_total", { status: String(status), reason: "AttemptLimit" })).toBe(4);
      expect(await gateway.metric("limit_hits_total", { policy: "attempts", per, enforcement: "Enforce" })).toBe(4);
    });

    test("of sessions so many are open, the next is refused undialled, and passes when one has gone", async () => {
      await serve({ ...trusting, routes: routes({ connections: [{ per, limit: 2 }] }, false) }, [backend.port]);
      expect(await statuses(2)).toEqual([101, 101]);
      const refused = await handshake();
      expect([refused.status, reasonOf(refused)]).toEqual([status, "ConnectionLimit"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect((await handshake(same)).status).toBe(status);
      expect(backend.connections).toHaveLength(2);
      if (others !== undefined) expect((await handshake(others)).status).toBe(101);
      if (others !== undefined) await leave();
      for (let turn = 0; turn < 3; turn += 1) {
        await leave();
        expect(await statuses(2)).toEqual([101, status]);
      }
      await leave();
      await leave();
      expect(await statuses(3)).toEqual([101, 101, status]);
    });
  });

  test("a route's own limit counts apart from what the others inherit", async () => {
    const policies = { attempts: [{ per: "Client", limit: 1, interval: "1m" }] };
    await serve({ ...trusting, routes: routes(policies) }, [backend.port]);
    expect(await statuses(2)).toEqual([101, 429]);
    expect(await statuses(2, { target: "/two" })).toEqual([101, 429]);
  });

  test("a handshake that its backend refuses frees its slot, and so does a client that leaves during the dial", async () => {
    const silent = await new RawBackend(({ head, socket }) => {
      if (head.includes("refuse")) socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    }).open();
    await serve({ routes: [{ policies: { connections: [{ per: "Proxy", limit: 1 }] } }] }, [silent.port]);
    const refused = await RawClient.send(gateway.port, request({ target: "/refuse" }));
    expect((await refused.answer()).status).toBe(403);
    const leaving = await RawClient.send(gateway.port, request());
    await until("dialled", () => silent.connections.length === 2);
    const second = await RawClient.send(gateway.port, request());
    expect(reasonOf(await second.answer())).toBe("ConnectionLimit");
    leaving.socket.destroy();
    await gateway.empty();
    const third = await RawClient.send(gateway.port, request());
    await until("dialled again", () => silent.connections.length === 3);
    third.socket.destroy();
    await gateway.empty();
    await silent.close();
  });

  test.each([
    ["the client's Close was answered", [close(1000, "", true)], true],
    ["the gateway closed it", [text("too long", true)], true],
    ["the client vanished", [], false],
  ])("a session takes no slot any more once %s, however long its backend takes to hang up", async (_, sent, told) => {
    const clinging = await new RawBackend((connection) => {
      connection.accept();
      connection.socket.on("data", () => connection.payload[0] === 0x88 && connection.send(close(1000)));
    }).open();
    const policies = { connections: [{ per: "Proxy", limit: 1 }], messageSize: { fromClient: 4, fromBackend: 0 } };
    await serve({ routes: [{ policies }] }, [clinging.port]);
    const first = await RawClient.send(gateway.port, request());
    expect((await first.answer()).status).toBe(101);
    if (told) first.send(...sent);
    else first.socket.resetAndDestroy();
    if (told) await until("it is told", () => parse(first.payload).frames.length === 1);
    else await until("the backend is told", () => clinging.last.ended);
    const second = await RawClient.send(gateway.port, request());
    expect((await second.answer()).status).toBe(101);
    expect(gateway.sessions).toBe(2);
    for (const { socket } of [first, second]) socket.destroy();
    await clinging.close();
  });

  test("wrong keys cost tokens of the address, and none of the client whose key it is", async () => {
    const attempts = [
      { per: "IP", limit: 3, interval: "1m" },
      { per: "Client", limit: 1, interval: "1m" },
    ];
    await serve({ ...trusting, routes: routes({ attempts }) }, [backend.port]);
    expect(await statuses(4, { client: "mallory" })).toEqual([401, 401, 401, 429]);
    expect(await statuses(2, { address: "192.0.2.7" })).toEqual([101, 429]);
  });

  test.each(["Route", "Proxy"])(
    "handshakes without a valid credential use up nothing of a limit per %s that clients share",
    async (per) => {
      const attempts = [{ per, limit: 2, interval: "1h" }];
      await serve({ routes: routes({ attempts }, false) }, [backend.port]);
      expect(await statuses(6, { client: "mallory" })).toEqual([401, 401, 401, 401, 401, 401]);
      expect(await gateway.metric("limit_hits_total", { policy: "attempts", per })).toBe(0);
      expect(await statuses(3)).toEqual([101, 101, 503]);
      expect(await statuses(1, { client: "mallory" })).toEqual([401]);
    },
  );

  test("D1 X-Forwarded-For of an untrusted peer gives no new tokens", async () => {
    await serve({ routes: routes({ attempts: [{ per: "IP", limit: 2, interval: "1m" }] }) }, [backend.port]);
    const seen: number[] = [];
    for (const host of [1, 2, 3, 4]) seen.push((await handshake({ address: `192.0.2.${host}` })).status);
    expect(seen).toEqual([101, 101, 429, 429]);
  });

  test.each([
    ["2001:db8:1:1::1", "2001:db8:1:1:a:b:c:d", 429],
    ["2001:db8:1:1::1", "2001:db8:1:2::1", 101],
    ["::ffff:192.0.2.1", "192.0.2.1", 429],
  ])("per IP, %s and %s: the second gets %d", async (first, second, status) => {
    await serve({ ...trusting, routes: routes({ connections: [{ per: "IP", limit: 1 }] }) }, [backend.port]);
    expect((await handshake({ address: first })).status).toBe(101);
    expect((await handshake({ address: second })).status).toBe(status);
  });

  test("a pod that is full answers 503 Overloaded, whatever the route, and serves again when one has gone", async () => {
    await serve({ ...trusting, maxConnections: 2, routes: routes({}) }, [backend.port]);
    expect(await statuses(2)).toEqual([101, 101]);
    const refused = await handshake({ client: "bob", target: "/two" });
    expect([refused.status, reasonOf(refused), refused.headers.get("retry-after")]).toEqual([503, "Overloaded", "5"]);
    await leave();
    expect(await statuses(2)).toEqual([101, 503]);
  });

  test("Shadow lets all handshakes pass, and counts and logs each that would have been refused", async () => {
    const policies = {
      attempts: [{ per: "Client", limit: 1, interval: "1m" }],
      connections: [{ per: "Route", limit: 1 }],
      enforcement: "Shadow",
    };
    await serve({ ...trusting, routes: routes(policies) }, [backend.port]);
    expect(await statuses(4)).toEqual([101, 101, 101, 101]);
    for (const policy of ["attempts", "connections"])
      expect(await gateway.metric("limit_hits_total", { policy, enforcement: "Shadow", route: "one" })).toBe(3);
    expect(await gateway.metric("limit_hits_total", { enforcement: "Enforce" })).toBe(0);
    expect(gateway.lines.filter(({ message }) => message === "limit exceeded")).toHaveLength(6);
    expect((await handshake({ client: "mallory" })).status).toBe(401);
  });
});
