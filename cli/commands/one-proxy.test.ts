import { expect, onTestFinished, test } from "vitest";
import { ALICE, proxyManifest } from "../../test/fakes/manifests.ts";
import { freePort, Program, ran } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

/** A gateway with the proxies demo/chat and demo/other, a session of alice at each, and the words that name it. */
async function bench() {
  const gateway = await Standalone.prepare();
  const port = await freePort();
  await gateway.write("other.yaml", proxyManifest({ name: "other", port }));
  gateway.run();
  await gateway.program.says("#token=");
  onTestFinished(() => gateway.program.signal("SIGKILL"));
  const chat = await gateway.client(ALICE);
  const other = await gateway.client(ALICE, "/", port);
  await gateway.alive(chat, "hello");
  await gateway.alive(other, "hello");
  const at = ["--url", `http://127.0.0.1:${gateway.adminPort}`, "--token", gateway.token];
  return { gateway, at, chat, other, refusedAtOther: () => gateway.client("wrong-key", "/", port).catch(() => {}) };
}

test("PROXY with --url: sessions, kick, trace and status are about this proxy of the process alone", async () => {
  const { gateway, at, chat, other, refusedAtOther } = await bench();
  const url = `127.0.0.1:${gateway.adminPort}`;
  const all = await ran("sessions", ...at, "-o", "json");
  expect(all.stderr).toBe("");
  expect(JSON.parse(all.stdout)).toMatchObject({ sums: { sessions: 2 } });
  const listed = await ran("sessions", ...at, "other", "-o", "json");
  expect(JSON.parse(listed.stdout)).toMatchObject({ sessions: [{ proxy: "demo/other" }], sums: { sessions: 1 } });

  await refusedAtOther();
  const traced = async (proxy: string): Promise<unknown[]> => {
    const { stdout } = await ran("trace", ...at, proxy, "--refused", "--for", "500ms", "-o", "json");
    const events = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as { proxy?: string }]));
    return events.flatMap(({ proxy: of }) => (of === undefined ? [] : [of]));
  };
  expect(await traced("chat")).toEqual([]);
  expect(await traced("other")).toEqual(["demo/other"]);

  const status = await ran("status", ...at, "-n", "demo", "chat", "-o", "json");
  const told = JSON.parse(status.stdout) as { pods: object[]; refusals: object[] };
  expect(told.pods).toMatchObject([{ proxy: "demo/chat", sessions: 1 }]);
  expect(told.refusals).toEqual([]);

  const kicked = await ran("kick", ...at, "other", "--route", "main", "--yes");
  expect(kicked.stdout).toMatch(/^closed 1 session\n/);
  await until("the session at demo/other has ended", () => other.closed !== undefined);
  await gateway.alive(chat, "still here");

  const none = await ran("kick", ...at, "nix", "--client", "alice", "--yes");
  expect(none.stderr).toBe(`wsproxy kick: ${url} serves no proxy nix; it serves demo/chat, demo/other\n`);
  expect(none.ended).toBe(1);
  const elsewhere = await ran("sessions", ...at, "-n", "prod", "chat");
  expect(elsewhere.stderr).toMatch(/ serves no proxy prod\/chat; /);
  await gateway.alive(chat, "and still");
}, 60_000);

test("PROXY with --url: the debug page is about this proxy alone", async () => {
  const { at, refusedAtOther } = await bench();
  await refusedAtOther();
  const program = new Program(["debug", ...at, "chat", "--no-open"]);
  await program.says(/^the debug page of demo\/chat at 127\.0\.0\.1:\d+; Ctrl-C ends it\n$/);
  await until("the link", () => program.stdout.endsWith("\n"));
  const { origin, hash } = new URL(program.stdout.trim());
  const headers = { authorization: `Bearer ${hash.replace("#token=", "")}` };
  const asked = async (path: string): Promise<string> => (await fetch(`${origin}${path}`, { headers })).text();
  expect(JSON.parse(await asked("/sessions"))).toMatchObject({ sessions: [{ proxy: "demo/chat" }] });
  expect(JSON.parse(await asked("/config"))).toMatchObject({ proxies: [{ proxy: "demo/chat" }] });
  expect(await asked("/metrics")).toContain("wsproxy_connections 1\n");
  expect(await asked("/metrics")).not.toContain("CredentialInvalid");
  const elsewhere = "/sessions/close?client=alice&proxy=demo/other";
  expect((await fetch(`${origin}${elsewhere}`, { method: "POST", headers })).status).toBe(404);
  expect(JSON.parse(await asked("/sessions"))).toMatchObject({ sessions: [{ proxy: "demo/chat" }] });
  const closed = await fetch(`${origin}/sessions/close?client=alice`, { method: "POST", headers });
  expect(await closed.json()).toMatchObject({ closed: 1 });
}, 60_000);

test("debug ends at once where the process is not there, or does not take the token", async () => {
  const gateway = await Standalone.start();
  const wrong = await ran("debug", "--url", `http://127.0.0.1:${gateway.adminPort}`, "--token", "not-the-token");
  expect(wrong.stdout).toBe("");
  expect(wrong.stderr).toMatch(/^wsproxy debug: .* does not take this token; .*\n$/);
  expect(wrong.ended).toBe(77);
  const nowhere = await ran("debug", "--url", `http://127.0.0.1:${await freePort()}`, "--token", "t");
  expect(nowhere.stderr).toMatch(/^wsproxy debug: no process answers at .*\n$/);
  expect(nowhere.ended).toBe(69);
});

test("a --url that leads to the listener is told, and is no answer of a gateway", async () => {
  const gateway = await Standalone.start();
  for (const command of ["sessions", "trace", "status", "debug"]) {
    const { stderr, ended } = await ran(command, "--url", `http://127.0.0.1:${gateway.port}`, "--token", "t");
    expect(stderr).toContain(" answers is not from the admin port of wsproxy");
    expect(ended).toBe(69);
  }
});
