import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { WsClient } from "../../test/fakes/clients.ts";
import { ALICE, backendManifest, BOB, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { freePort, Program, ran } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

test("says at start what is served where, with every condition", async () => {
  const it = await Standalone.start();
  expect(it.program.stderr).toBe(`PROXY      ROUTE  ACCEPTED  RESOLVED  PROGRAMMED  READY
demo/chat         True      True      True        True
demo/chat  main   True      True

gateway  ws://127.0.0.1:${it.port}  demo/chat
admin    http://127.0.0.1:${it.adminPort}/metrics
sessions http://127.0.0.1:${it.adminPort}/sessions#token=${it.token}
debug    http://127.0.0.1:${it.adminPort}/debug#token=${it.token}
`);
  const page = await fetch(`http://127.0.0.1:${it.adminPort}/debug`);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<title>wsproxy: live sessions")]);
  await it.alive(await it.client(ALICE), "hello");
  expect(await it.program.logs("config applied")).toMatchObject({ proxy: "demo/chat", port: it.port });
  expect(it.program.lines("config applied").length).toBe(1);
});

test("Ctrl-C closes sessions with 1012, ends with 0, and leaves nothing behind", async () => {
  const it = await Standalone.start();
  const client = await it.client(ALICE);
  it.program.signal("SIGINT");
  expect(await client.close()).toEqual({ code: 1012, reason: "Draining" });
  expect(await it.program.exit()).toBe(0);
  expect(it.program.lines("stopped").length).toBe(1);
  expect(it.program.lines("session closed")[0]).toMatchObject({ code: 1012, reason: "Draining", by: "gateway" });
  for (const port of [it.port, it.adminPort]) {
    const free = createServer().listen(port, "127.0.0.1");
    await once(free, "listening");
    free.close();
  }
});

test("a second Ctrl-C ends everything at once", async () => {
  const it = await Standalone.prepare();
  await it.write("proxy.yaml", proxyManifest({ port: it.port }).replace("100ms", "1h"));
  it.run();
  await it.program.says("/metrics");
  const clients = await Promise.all([it.client(ALICE), it.client(BOB), it.client(BOB)]);
  it.program.signal("SIGINT");
  await it.program.logs("draining");
  it.program.signal("SIGINT");
  expect(await it.program.exit()).toBe(0);
  await Promise.all(clients.map((client) => client.close()));
});

test("a SIGHUP, which reloads many a service, ends no session", async () => {
  const it = await Standalone.start();
  const client = await it.client(ALICE);
  it.program.signal("SIGHUP");
  await it.alive(client, "hello");
  await it.alive(await it.client(BOB), "hello");
  it.program.signal("SIGTERM");
  expect(await it.program.exit()).toBe(0);
});

test("with nothing to serve it says why and ends with 1", async () => {
  const it = await Standalone.prepare();
  await it.write("proxy.yaml", proxyManifest({ port: it.port, policies: "unknown: {}" }));
  const program = it.run();
  expect(await program.exit()).toBe(1);
  expect(program.stderr).toContain("demo/chat         False (NoRouteAccepted)");
  expect(program.stderr).toContain('unknown field "unknown"');
  expect(program.stderr).toMatch(/there is nothing to serve\n$/);
  const missing = await ran("standalone", "-f", "no-such-file.yaml", "--admin-port", "0");
  expect(missing.ended).toBe(1);
  expect(missing.stderr).toContain("no-such-file.yaml: does not exist");
});

test.each(["127.0.0.1", "localhost", "0.0.0.0", "::"])(
  "a listener on %s that would be on the admin port is not accepted, and the port is not tried",
  async (address) => {
    const it = await Standalone.prepare();
    await it.proxy({ port: it.adminPort });
    const program = it.run("--address", address);
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toContain(
      `WebSocketProxy demo/chat, spec.listener.port: port ${it.adminPort} is that of the gateway's own /metrics`,
    );
    expect(program.stderr).not.toContain("another process");
  },
);

test("a listener may have the admin port's number where the two are on different addresses", async () => {
  const it = await Standalone.prepare();
  await it.proxy({ port: it.adminPort });
  it.run("--address", "127.0.0.2");
  await it.program.says("#token=");
  const client = await WsClient.open(`ws://127.0.0.2:${it.adminPort}/`, [], { headers: { "x-api-key": ALICE } });
  await it.alive(client, "hello");
  expect(await it.admin("/sessions")).toContain("alice");
});

test("ends with 69 where the admin port or the sample backend's cannot be had", async () => {
  const it = await Standalone.start();
  const taken = String(it.adminPort);
  const admin = await ran("standalone", "-f", it.folder, "--admin-port", taken);
  expect([admin.ended, admin.stderr]).toEqual([
    69,
    `wsproxy standalone: admin port ${taken} on 127.0.0.1 is in use by another process; choose another with --admin-port, or 0 for none\n`,
  ]);
  await it.proxy({ port: await freePort() });
  await it.program.says("demo/chat: the new config is in force");
  const own = await Standalone.prepare();
  const backend = own.run("--sample-backend", "--sample-backend-port", taken);
  expect(await backend.exit()).toBe(69);
  expect(backend.stderr).toContain("choose another with --sample-backend-port");
});

test("the log is as verbose as the most verbose proxy wants it", async () => {
  const it = await Standalone.start();
  await it.client(ALICE);
  await it.program.logs("session opened");
  await it.write("proxy.yaml", proxyManifest({ port: it.port }).replace("{ drain", "{ log: { level: error }, drain"));
  await it.program.says("demo/chat: the new config is in force");
  await it.client(BOB);
  await until("two sessions", async () => (await it.admin("/sessions")).includes("bob"));
  expect(it.program.lines("session opened").length).toBe(1);
});

test("with the sample backend it says what to try, and each of it works", async () => {
  const it = await Standalone.prepare();
  const samplePort = await freePort();
  await it.write("keys.yaml", keysManifest({ private: "not-to-be-shown-key", alice: "example-key-alice-0001" }));
  await it.write("backend.yaml", backendManifest(samplePort));
  const program = it.run("--sample-backend", "--sample-backend-port", String(samplePort));
  await program.says("Ctrl-C ends everything");
  expect(program.stderr).not.toContain("not-to-be-shown");
  const line = /bin\/wsproxy connect (\S+) --key (\S+)/.exec(program.stderr);
  expect(line?.slice(1)).toEqual([`ws://127.0.0.1:${it.port}/`, "example-key-alice-0001"]);
  const client = new Program(["connect", line?.[1] ?? "", "--key", line?.[2] ?? "", "--wait", "300ms"]);
  client.write("through the gateway\n");
  client.endInput();
  expect(await client.exit()).toBe(0);
  expect(client.stdout).toBe("through the gateway\n");
  const page = await fetch(/open (\S+)/.exec(program.stderr)?.[1] ?? "");
  expect(page.status).toBe(200);
  program.signal("SIGTERM");
  expect(await program.exit()).toBe(0);
  await expect(fetch(`http://127.0.0.1:${samplePort}/`)).rejects.toThrow("fetch failed");
});
