import { afterEach, beforeEach, expect, test } from "vitest";
import { closeAnswer, sessionPage } from "../../api/admin-pages.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

/** A person closes sessions at the admin port, and sees which there are. */

const TOKEN = "a-token-of-enough-characters";
const TOLD = { toClient: "1008 EndedByOperator", toBackend: "1008 EndedByOperator" };

let backend: RawBackend;
let gateway: TestGateway;
let admin: AdminServer;
let serve: (more: ConfigParts) => Promise<unknown>;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = new TestGateway();
  const gate = new AdminGate();
  gate.use(TOKEN);
  admin = await adminServer(adminEndpoints(gateway.gateway, gateway.metrics, systemClock), "127.0.0.1", 0, { gate });
  const policies = withKeys(["alice", "bob"]);
  const routes = ["chat", "feed"].map((name) => ({ name, path: { type: "Exact", value: `/${name}` }, policies }));
  serve = (more) => gateway.serve({ routes, trustedProxies: ["127.0.0.1/32"], ...more } as never, [backend.port]);
  await serve({});
});
afterEach(async () => {
  await admin.close();
  await gateway.close();
  await backend.close();
});

/** Two sessions of alice, two of bob; on both routes, and from three addresses. */
async function four(): Promise<readonly [Live, Live, Live, Live]> {
  const open = (client: string, target: string, address: string): Promise<Live> =>
    Live.open(gateway, backend, { client, target, address });
  return [
    await open("alice", "/chat", "192.0.2.1"),
    await open("alice", "/feed", "192.0.2.2"),
    await open("bob", "/chat", "192.0.2.2"),
    await open("bob", "/feed", "2001:db8::3"),
  ];
}

async function ask(method: string, target: string, token = TOKEN): Promise<{ status: number; body: string }> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${admin.port}${target}`, { method, headers });
  return { status: response.status, body: await response.text() };
}

/** Ids of the sessions that a filter finds. */
async function listed(query: string): Promise<string[]> {
  return sessionPage.parse(JSON.parse((await ask("GET", `/sessions${query}`)).body)).sessions.map(({ id }) => id);
}

test.each([
  ["client=alice", [0, 1]],
  ["route=chat", [0, 2]],
  ["address=192.0.2.2", [1, 2]],
  ["address=2001:DB8:0::3", [3]],
  ["client=bob&proxy=test/proxy", [2, 3]],
  ["client=bob&proxy=test/other", []],
])("?%s closes those sessions with 1008 at both ends, and the others live on", async (query, wanted) => {
  const lives = await four();
  expect(await listed(`?${query}`)).toHaveLength(wanted.length);
  const { status, body } = await ask("POST", `/sessions/close?${query}`);
  expect([status, closeAnswer.parse(JSON.parse(body)).closed]).toEqual([200, wanted.length]);
  for (const [index, live] of lives.entries()) {
    if (wanted.includes(index)) expect(await live.ended()).toEqual(TOLD);
    else await live.lives();
  }
  await until("they are gone", () => gateway.sessions === lives.length - wanted.length);
  expect(await listed(`?${query}`)).toEqual([]);
  const labels = { code: "1008", reason: "EndedByOperator", by: "gateway" };
  expect(await gateway.metric("connections_closed_total", labels)).toBe(wanted.length);
});

test("P7 one session is closed by its id: both ends and the log get the text, and nothing in it can harm a terminal", async () => {
  const [first, ...others] = await four();
  const [id = ""] = await listed("?client=alice&route=chat");
  const reason = `\u001b[2J\u202e<img onerror=alert(12)>\r\n${"ü".repeat(3000)}`;
  const target = `/sessions/${id}/close?reason=${encodeURIComponent(reason.slice(0, 1000))}`;
  expect((await ask("POST", target)).status).toBe(200);
  const shown = `\uFFFD[2J\uFFFD<img onerror=alert(12)>\uFFFD\uFFFD${"ü".repeat(34)}`;
  const told = `1008 EndedByOperator; ${shown}`;
  expect(Buffer.byteLength(shown)).toBe(106);
  expect(await first.ended()).toEqual({ toClient: told, toBackend: told });
  for (const live of others) await live.lives();
  await until("its end is logged", () => gateway.lines.some(({ message }) => message === "session closed"));
  const line = gateway.lines.find(({ message }) => message === "session closed");
  expect(line?.fields).toMatchObject({ session: id, reason: "EndedByOperator", code: 1008, by: "gateway" });
  expect(line?.fields["cause"]).toMatch(/^\uFFFD\[2J\uFFFD<img onerror=alert\(12\)>\uFFFD\uFFFDü{200,}…$/);
  expect((await ask("POST", target)).status).toBe(404);
});

test("a client that was closed may connect again, and a handshake under way is not closed", async () => {
  const slow = await new RawBackend(() => {}).open();
  const [, , bob] = await four();
  await gateway.serve(
    {
      routes: [{ name: "chat", policies: withKeys(["alice", "bob"]) }],
      trustedProxies: ["127.0.0.1/32"],
      generation: 2,
    },
    [slow.port],
  );
  const pending = await RawClient.send(gateway.port, request({ headers: { "X-Api-Key": keyOf("bob") } }));
  await until("its backend is dialled", () => slow.connections.length === 1);
  expect(JSON.parse((await ask("POST", "/sessions/close?route=chat")).body)).toMatchObject({ closed: 2 });
  expect((await bob.ended()).toClient).toBe("1008 EndedByOperator");
  slow.connections[0]?.accept();
  expect((await pending.answer()).status).toBe(101);
  await until("only the new session is left", async () => (await listed("?client=bob&route=chat")).length === 1);
  pending.socket.destroy();
  await slow.close();
});

test("P5 without the token, from a page, with another method or without a filter nothing is closed", async () => {
  const lives = await four();
  const [id = ""] = await listed("?client=alice");
  for (const path of [`/sessions/${id}/close`, "/sessions/close?client=alice"]) {
    expect((await ask("POST", path, "another-token-of-that-length")).status).toBe(401);
    for (const method of ["GET", "PUT", "DELETE"]) expect((await ask(method, path)).status).toBe(405);
    const headers = { authorization: `Bearer ${TOKEN}`, origin: "http://evil.test" };
    const foreign = await fetch(`http://127.0.0.1:${admin.port}${path}`, { method: "POST", headers });
    expect(foreign.status).toBe(403);
  }
  expect((await ask("POST", "/sessions/close")).status).toBe(400);
  for (const live of lives) await live.lives();
});

test.each(["All", "Refused", "None"] as const)(
  "P7 with log.access %s the log tells what the operator closed, in one line for each request that closed something",
  async (access) => {
    await serve({ access });
    const lives = await four();
    const [id = ""] = await listed("?client=alice&route=chat");
    const reason = `reason=${encodeURIComponent("Bye\u001b[2J\u202e\n")}`;
    await ask("POST", `/sessions/${id}/close?${reason}`);
    await ask("POST", "/sessions/close?client=bob&proxy=test/proxy");
    await ask("POST", "/sessions/close?client=carol");
    await ask("POST", `/sessions/${id}/close`);
    const fields = { proxy: "test/proxy", event: "ClosedByOperator" };
    const audited = gateway.lines.filter((one) => one.fields["event"] === "ClosedByOperator");
    expect(audited).toEqual([
      expect.objectContaining({
        level: "warn",
        fields: { ...fields, session: id, closed: 1, cause: "Bye\uFFFD[2J\uFFFD" },
      }),
      expect.objectContaining({ level: "warn", fields: { ...fields, client: "bob", closed: 2 } }),
    ]);
    await lives[1].lives();
  },
);
