import { expect, test } from "vitest";
import { ALICE, BOB } from "../../test/fakes/manifests.ts";
import { freePort, Program, ran } from "../../test/fakes/program.ts";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

/** The page's address and its token, from the link that was printed. */
async function linkOf(program: Program): Promise<{ url: string; token: string }> {
  const form = /^(http:\/\/127\.0\.0\.1:\d+)\/debug#token=([\w-]{43})\n$/;
  await until("the link", () => form.test(program.stdout));
  const [, url = "", token = ""] = form.exec(program.stdout) ?? [];
  return { url, token };
}

const bearing = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

test("prints a link with a token of its own, serves what the page asks for, and ends with 0 at Ctrl-C", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a", [{ id: "a1", route: "main", client: "alice" }]);
  const port = await freePort();
  const program = new Program(["debug", ...cluster.args, "--port", String(port)]);
  const { url, token } = await linkOf(program);
  expect(url).toBe(`http://127.0.0.1:${port}`);
  await until("what it serves", () => program.stderr === "the debug page of demo/chat; Ctrl-C ends it\n");
  const page = await fetch(`${url}/debug`);
  expect(page.status).toBe(200);
  await page.text();
  expect((await fetch(`${url}/sessions`, bearing("the-token"))).status).toBe(401);
  expect(await (await fetch(`${url}/sessions`, bearing(token))).json()).toMatchObject({
    sessions: [{ id: "a1", pod: "chat-a" }],
  });
  const events = await fetch(`${url}/debug/events`, bearing(token));
  expect(events.headers.get("content-type")).toContain("text/event-stream");
  await until("the stream of the pod", () => pod.streams.size === 1);
  const other = await ran("debug", ...cluster.args, "--port", String(port));
  expect(other.stderr).toBe(
    `wsproxy debug: port ${port} on 127.0.0.1 cannot be opened; choose another with --port, or leave it out for any\n`,
  );
  expect(other.ended).toBe(69);
  program.signal("SIGINT");
  expect(await program.exit()).toBe(0);
  await events.text().catch(() => "");
  await until("the stream of the pod is closed", () => pod.streams.size === 0);
}, 30_000);

test("a proxy without pods is told at once", async () => {
  const cluster = await ProxyCluster.start();
  const { stdout, stderr, ended } = await ran("debug", ...cluster.args);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^wsproxy debug: .*demo\/chat.*\n$/);
  expect(ended).toBe(69);
});

test("serves the page of a standalone gateway: its handshakes, sessions and numbers, and closes a session", async () => {
  const bench = await Standalone.start();
  const at = ["--url", `http://127.0.0.1:${bench.adminPort}`, "--token", bench.token];
  const program = new Program(["debug", ...at, "--no-open"]);
  const { url, token } = await linkOf(program);
  const stream = await fetch(`${url}/debug/events`, bearing(token));
  const read = stream.body?.pipeThrough(new TextDecoderStream());
  let told = "";
  void read?.pipeTo(new WritableStream({ write: (text) => void (told += text) })).catch(() => {});
  await until("the first event", () => told.startsWith("event: watching\n"));
  const alice = await bench.client(ALICE);
  await bench.client(BOB);
  await bench.alive(alice, "hello");
  await until("both handshakes", () => told.match(/^event: handshake$/gm)?.length === 2);
  expect(told).not.toContain('"pod"');
  const json = async (path: string, method = "GET"): Promise<unknown> =>
    (await fetch(`${url}${path}`, { method, ...bearing(token) })).json();
  const { sessions } = (await json("/sessions?client=alice")) as { sessions: { id: string; messages: object }[] };
  expect(sessions).toMatchObject([{ client: "alice", messages: { fromClient: 1, fromBackend: 1 } }]);
  expect(await json("/config")).toMatchObject({ proxies: [{ proxy: "demo/chat" }], more: 0, failures: [] });
  const metrics = await (await fetch(`${url}/metrics`, bearing(token))).text();
  expect(metrics).toContain("wsproxy_connections 2\n");
  expect(metrics).toContain('wsproxy_handshakes_total{status="101",reason="');
  expect(await json(`/sessions/${sessions[0]?.id}/close?reason=lunch`, "POST")).toMatchObject({ closed: 1 });
  await until("alice is told", () => alice.closed !== undefined);
  expect(alice.closed).toEqual({ code: 1008, reason: "EndedByOperator; lunch" });
  await until("the end of the session", () => /^event: closed$/m.test(told));
  program.signal("SIGTERM");
  expect(await program.exit()).toBe(0);
}, 30_000);
