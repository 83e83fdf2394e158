import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { configOf, policiesOf, type ConfigParts } from "../fakes/config.ts";
import { closeOf, parse } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { ipv6 } from "../fakes/ipv6.ts";
import { REFUSING_PORTS } from "../fakes/ports.ts";
import { until } from "../fakes/sockets.ts";

describe.skipIf(!ipv6)("a gateway that listens on ::", () => {
  let backend: RawBackend;
  let gateway: TestGateway;
  const clients: RawClient[] = [];

  beforeEach(async () => {
    backend = await new RawBackend(polite).open(0, "::1");
    gateway = new TestGateway();
    gateway.bindHost = "::";
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await gateway.close();
    await backend.close();
  });

  async function serve(parts: ConfigParts = {}, port = backend.port): Promise<void> {
    const backends = { "echo:80": [{ address: "::1", port, state: "Ready" as const }] };
    expect(await gateway.apply(configOf(parts), { version: 1, backends })).toMatchObject({ ok: true });
  }

  /** The answer's status to a client from this address of ours, which may speak for others. */
  async function knock(host: string, forwarded?: string, authority = "a.test"): Promise<number> {
    const client = await RawClient.open(gateway.port, host);
    clients.push(client);
    const headers = { Host: authority, ...(forwarded === undefined ? {} : { "X-Forwarded-For": forwarded }) };
    client.send(Buffer.from(request({ headers })));
    return (await client.answer()).status;
  }

  const line = (message: string) => gateway.lines.filter((it) => it.message === message).at(-1)?.fields ?? {};

  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "[::1]:8080"],
  ])("shows a client from %s by that address everywhere", async (host, authority) => {
    await serve();
    expect(await knock(host, undefined, authority)).toBe(101);
    expect(backend.last.values("x-forwarded-for")).toEqual([host]);
    expect(backend.last.values("host")).toEqual([authority]);
    expect(backend.last.values("x-forwarded-host")).toEqual([authority]);
    await until("the session is listed", () => gateway.sessions === 1);
    expect(JSON.parse((await gateway.admin("/sessions")).body)).toMatchObject({ sessions: [{ address: host }] });
    expect(line("session opened")).toMatchObject({ address: host, endpoint: `[::1]:${backend.port}` });
    expect(gateway.gateway.address("test/proxy")).toBe("::");
  });

  test.each([
    ["127.0.0.0/8", [403, 101]],
    ["::ffff:127.0.0.0/104", [403, 101]],
    ["::1", [101, 403]],
    ["::/0", [101, 403]],
    ["0.0.0.0/0", [403, 101]],
  ])("denies by %s the clients of its family alone", async (addresses, statuses) => {
    await serve({ routes: [{ policies: { deny: { clients: [], tokenIds: [], addresses: [addresses] } } }] });
    expect([await knock("127.0.0.1"), await knock("::1")]).toEqual(statuses);
  });

  test("ends the session of an IPv4 client whose address is denied", async () => {
    await serve();
    expect(await knock("127.0.0.1")).toBe(101);
    await serve({
      generation: 2,
      routes: [{ policies: { deny: { clients: [], tokenIds: [], addresses: ["127.0.0.1"] } } }],
    });
    const [client] = clients;
    await until("it was told", () => parse(client?.payload ?? Buffer.alloc(0)).frames.length > 0);
    const [frame] = parse(client?.payload ?? Buffer.alloc(0)).frames;
    expect(frame && closeOf(frame)).toMatchObject({ code: 3003, reason: "Denied" });
  });

  test("believes a trusted proxy that comes over IPv4, and no other", async () => {
    await serve({ trustedProxies: ["127.0.0.1"] });
    await knock("127.0.0.1", "2001:db8::1");
    expect(backend.last.values("x-forwarded-for")).toEqual(["2001:db8::1"]);
    await knock("127.0.0.1", "::ffff:198.51.100.1");
    expect(backend.last.values("x-forwarded-for")).toEqual(["198.51.100.1"]);
    await knock("::1", "2001:db8::1");
    expect(backend.last.values("x-forwarded-for")).toEqual(["::1"]);
  });

  test.each(["attempts", "connections"])(
    "counts %s of an IPv6 client by its /64, of an IPv4 client by its address",
    async (kind) => {
      const limit = kind === "attempts" ? { per: "IP", limit: 1, interval: "1h", burst: 1 } : { per: "IP", limit: 1 };
      await serve({ trustedProxies: ["::1"], routes: [{ policies: policiesOf({ [kind]: [limit] }) }] });
      const knocks = [
        ["2001:db8:0:1::1", 101],
        ["2001:db8:0:1:ffff:ffff:ffff:ffff", 429],
        ["2001:db8:0:2::1", 101],
        ["192.0.2.1", 101],
        ["::ffff:192.0.2.1", 429],
        ["192.0.2.2", 101],
      ] as const;
      for (const [address, status] of knocks) expect([address, await knock("::1", address)]).toEqual([address, status]);
    },
  );

  test("names an endpoint that refuses as it stands in URLs", async () => {
    const [port] = REFUSING_PORTS;
    await serve({}, port);
    expect(await knock("::1")).toBe(502);
    expect(line("handshake refused")).toMatchObject({ address: "::1", cause: `connect ECONNREFUSED [::1]:${port}` });
  });
});
