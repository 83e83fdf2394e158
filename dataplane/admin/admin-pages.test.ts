import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { routePage, sessionPage, type RoutePage, type SessionPage } from "../../api/admin-pages.ts";
import { RawBackend } from "../../test/fakes/backends.ts";
import { RawClient, request } from "../../test/fakes/clients.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";
import { Live } from "../../test/fakes/live.ts";

let backend: RawBackend;
let gateway: TestGateway;
beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

async function page(target: string): Promise<SessionPage> {
  const { status, body } = await gateway.admin(target);
  expect([target, status]).toEqual([target, 200]);
  return sessionPage.parse(JSON.parse(body));
}

async function routes(target: string): Promise<RoutePage> {
  return routePage.parse(JSON.parse((await gateway.admin(target)).body));
}

describe("/sessions", () => {
  test("is read page by page: each session once, whichever have ended meanwhile", async () => {
    await gateway.serve({}, [backend.port]);
    const lives: Live[] = [];
    while (lives.length < 7) lives.push(await Live.open(gateway, backend));
    const first = await page("/sessions?limit=3");
    expect(first.sessions).toHaveLength(3);
    expect(first.next).toBe(first.sessions[2]?.id);
    // The session that the next page begins behind has ended by then.
    const [proxy] = gateway.gateway.proxies;
    const gone = [...(proxy?.sessions ?? [])].find(({ id }) => id === first.next);
    gone?.destroy();
    const rest = await page(`/sessions?limit=1000&after=${first.next}`);
    expect(rest.next).toBeUndefined();
    const ids = [...first.sessions, ...rest.sessions].map(({ id }) => id);
    expect(new Set(ids).size).toBe(7);
    expect(ids).toEqual(ids.toSorted());
  });

  test("shows a hundred where nothing is said, and says that there are more", async () => {
    await gateway.serve({}, [backend.port]);
    for (let count = 0; count < 101; count += 1) await Live.open(gateway, backend);
    const { sessions, next } = await page("/sessions");
    expect([sessions.length, next]).toEqual([100, sessions[99]?.id]);
    expect((await page("/sessions?limit=101")).next).toBeUndefined();
  });

  test("shows of a long subprotocol its beginning", async () => {
    const long = "p".repeat(3000);
    const choosing = await new RawBackend((it) => it.accept([`Sec-WebSocket-Protocol: ${long}`])).open();
    await gateway.serve({}, [choosing.port]);
    const client = await RawClient.send(gateway.port, request({ headers: { "Sec-WebSocket-Protocol": long } }));
    expect((await client.answer()).status).toBe(101);
    expect((await page("/sessions")).sessions[0]?.subprotocol).toBe(`${"p".repeat(256)}…`);
    await choosing.close();
  });

  test.each([
    ["limit=0"],
    ["limit=1001"],
    ["limit=-1"],
    ["limit=1e3"],
    ["limit="],
    ["limit=10&limit=10"],
    ["token=x"],
    ["client="],
    ["address=localhost"],
  ])("says what is wrong with ?%s", async (query) => {
    const { status, body } = await gateway.admin(`/sessions?${query}`);
    expect(status).toBe(400);
    expect(body).toMatch(
      /^(limit is a number from 1 to 1000|a parameter may stand once only|this path takes client, route, address, proxy, limit and after only|client is empty|address is an IP address)\n$/,
    );
  });
});

describe("/config/routes", () => {
  const many = (count: number, hostnames: readonly string[] = []) =>
    Array.from({ length: count }, (_, index) => ({
      name: `route-${index}`,
      hostnames,
      path: { type: "Exact" as const, value: `/${index}` },
    }));

  test("lists routes as they were written, page by page", async () => {
    await gateway.serve({ routes: many(250) }, [backend.port]);
    const names: string[] = [];
    for (let after = "", pages = 0; pages < 3; pages += 1) {
      const { routes: some, next } = await routes(`/config/routes${after}`);
      names.push(...some.map(({ name }) => name));
      expect(next).toBe(pages < 2 ? `test/proxy/${names.at(-1)}` : undefined);
      after = `?after=${encodeURIComponent(next ?? "")}`;
    }
    expect(names).toEqual(many(250).map(({ name }) => name));
  });

  test("ends a page where it is long enough, and goes on from there", async () => {
    const label = "h".repeat(60);
    const hostnames = Array.from({ length: 64 }, (_, at) => `${label}.${label}.${label}.x${at}.test`);
    await gateway.serve({ routes: many(300, hostnames) }, [backend.port]);
    const { status, body } = await gateway.admin("/config/routes?limit=1000");
    expect([status, body.length < 1_100_000]).toEqual([200, true]);
    const { routes: some, next } = routePage.parse(JSON.parse(body));
    expect(some.length).toBeLessThan(300);
    expect(next).toBe(`test/proxy/${some.at(-1)?.name}`);
  });

  test("says where it cannot go on from a route that is gone", async () => {
    await gateway.serve({}, [backend.port]);
    expect(await gateway.admin("/config/routes?after=test/proxy/gone")).toEqual({
      status: 400,
      body: "after names no route; begin without it\n",
    });
  });
});
