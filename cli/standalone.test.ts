import { rename, rm, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { WsBackend } from "../test/fakes/backends.ts";
import { WsClient } from "../test/fakes/clients.ts";
import { ALICE, backendManifest, BOB, keysManifest, proxyManifest, type ProxyParts } from "../test/fakes/manifests.ts";
import { Mount } from "../test/fakes/mount.ts";
import { freePort, Program, ran, temporaryFolder } from "../test/fakes/program.ts";
import { until } from "../test/fakes/sockets.ts";

/** A gateway from a folder of manifests, with a backend behind it. */
class Bench {
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
  readonly backend: WsBackend;
  #program: Program | undefined;

  private constructor(folder: string, port: number, adminPort: number, backend: WsBackend) {
    this.folder = folder;
    this.port = port;
    this.adminPort = adminPort;
    this.backend = backend;
  }

  /** Its manifests, one file for each kind; not started yet. */
  static async prepare(parts: ProxyParts = {}): Promise<Bench> {
    const bench = await Bench.empty(await temporaryFolder());
    await bench.proxy(parts);
    await bench.write("keys.yaml", keysManifest({ alice: ALICE, bob: BOB }));
    await bench.write("backend.yaml", backendManifest(bench.backend.port));
    return bench;
  }

  /** With whatever its folder holds. */
  static async empty(folder: string): Promise<Bench> {
    const backend = await new WsBackend().open();
    onTestFinished(() => backend.close());
    return new Bench(folder, await freePort(), await freePort(), backend);
  }

  static async start(parts: ProxyParts = {}): Promise<Bench> {
    const bench = await Bench.prepare(parts);
    bench.run();
    await bench.program.says(`http://127.0.0.1:${bench.adminPort}/metrics`);
    return bench;
  }

  run(...more: readonly string[]): Program {
    this.#program = new Program(["standalone", "-f", this.folder, "--admin-port", String(this.adminPort), ...more]);
    return this.#program;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error("not started");
    return this.#program;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  proxy(parts: ProxyParts = {}): Promise<void> {
    return this.write("proxy.yaml", proxyManifest({ port: this.port, ...parts }));
  }

  client(key: string, path = "/", port = this.port): Promise<WsClient> {
    return WsClient.open(`ws://127.0.0.1:${port}${path}`, [], { headers: { "x-api-key": key } });
  }

  async admin(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.adminPort}${path}`)).text();
  }

  /** Sends and waits for the echo: the session lives. */
  async alive(client: WsClient, word: string): Promise<void> {
    client.socket.send(word);
    await until(`the echo of ${word}`, () => client.messages.some(({ data }) => data.toString() === word));
  }

  /** Sessions that a config change ended without a reason of their own. */
  async dropped(): Promise<string | undefined> {
    return /wsproxy_config_dropped_sessions_total\{proxy="demo\/chat"\} (\d+)/.exec(await this.admin("/metrics"))?.[1];
  }
}

test("says at start what is served where, with every condition", async () => {
  const it = await Bench.start();
  expect(it.program.stderr).toBe(`PROXY      ROUTE  ACCEPTED  RESOLVED  PROGRAMMED  READY
demo/chat         True      True      True        True
demo/chat  main   True      True

gateway  ws://127.0.0.1:${it.port}  demo/chat
admin    http://127.0.0.1:${it.adminPort}/metrics
`);
  await it.alive(await it.client(ALICE), "hello");
  expect(await it.program.logs("config applied")).toMatchObject({ proxy: "demo/chat", port: it.port });
  expect(it.program.lines("config applied").length).toBe(1);
});

test("a key that is deleted ends its live session with 3000 within a second, and nobody else's", async () => {
  const it = await Bench.start();
  const [alice, bob] = await Promise.all([it.client(ALICE), it.client(BOB)]);
  const start = performance.now();
  await it.write("keys.yaml", keysManifest({ bob: BOB }));
  expect(await alice.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  expect(performance.now() - start).toBeLessThan(1000);
  await it.alive(bob, "still here");
  await it.program.says("demo/chat: the new config is in force");
  await expect(it.client(ALICE)).rejects.toThrow("401");
  expect(await it.dropped()).toBe("0");
});

test("a limit that is changed holds for live sessions, and ends none by itself", async () => {
  const it = await Bench.start({ policies: "messageSize: { fromClient: 64Ki }" });
  const client = await it.client(ALICE);
  await it.alive(client, "x".repeat(1000));
  await it.proxy({ policies: "messageSize: { fromClient: 100 }" });
  await it.program.says("demo/chat: the new config is in force");
  await it.alive(client, "short");
  client.socket.send("x".repeat(101));
  expect(await client.close()).toEqual({ code: 1009, reason: "MessageTooBig" });
  expect(await it.dropped()).toBe("0");
});

test("a new route is served, and ends no session", async () => {
  const it = await Bench.start();
  const client = await it.client(ALICE);
  const open = "policies: { authentication: { require: None } }";
  await it.proxy({
    routes: `- name: open\n  path: { value: /open }\n  backends: [{ service: echo, port: 80 }]\n  ${open}`,
  });
  await it.program.says("demo/chat route open: Accepted is True");
  await it.alive(await WsClient.open(`ws://127.0.0.1:${it.port}/open`), "anybody");
  await it.alive(client, "still here");
  expect(await it.dropped()).toBe("0");
});

test("broken YAML ends no session and says where; the other files' edits count; the repair is noticed", async () => {
  const it = await Bench.start();
  const [alice, bob] = await Promise.all([it.client(ALICE), it.client(BOB)]);
  await it.write("proxy.yaml", `${proxyManifest({ port: it.port })}\n    - name: [broken\n`);
  await it.program.says(/problem: \S+\/proxy\.yaml:\d+:\d+: document 1, WebSocketProxy demo\/chat: is not YAML/);
  await it.write("keys.yaml", keysManifest({ bob: BOB }));
  expect(await alice.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  await it.alive(bob, "still here");
  expect(await it.admin("/readyz")).toContain('"ready"');
  await it.proxy();
  await it.program.says(/solved: \S+\/proxy\.yaml/);
  await it.alive(bob, "and here");
  expect(await it.dropped()).toBe("0");
});

test("a wrong field and a missing Secret end no session and say file, line, object and field", async () => {
  const it = await Bench.start();
  const client = await it.client(ALICE);
  await it.proxy({ policies: "messageSize: { fromClient: large }" });
  await it.program.says(
    /proxy\.yaml:14: document 1, WebSocketProxy demo\/chat, spec\.routes\[0\]\.policies\.messageSize\.fromClient: is not a size/,
  );
  await it.program.says("demo/chat: Programmed is False (NotAccepted)");
  await it.alive(client, "after a wrong field");

  await it.proxy({ spec: "policies: { forwarding: {} }", policies: "timeouts: { idle: 0s }" });
  await it.program.says("demo/chat: Programmed is True");
  await it.write("keys.yaml", keysManifest({ alice: ALICE, bob: BOB }));
  await it.proxy({ service: "echo, basicAuthSecretName: nobody" });
  await it.program.says(
    /WebSocketProxy demo\/chat, spec\.routes\[0\]\.backends\[0\]\.basicAuthSecretName: there is no Secret nobody/,
  );
  await it.program.says("demo/chat route main: ResolvedRefs is False (SecretNotFound)");
  await it.alive(client, "after a missing Secret");
  expect(await it.dropped()).toBe("0");
});

test("the listener's port moves, and sessions stay", async () => {
  const it = await Bench.start();
  const client = await it.client(ALICE);
  const port = await freePort();
  await it.proxy({ port });
  await it.program.says("demo/chat: the new config is in force");
  await it.alive(await it.client(ALICE, "/", port), "on the new port");
  await expect(it.client(ALICE)).rejects.toThrow("refused: 1006");
  await it.alive(client, "from the old port");
  expect(await it.dropped()).toBe("0");
});

test("a port that is taken leaves the last good config, and is tried again until it can be had", async () => {
  const it = await Bench.start();
  const client = await it.client(ALICE);
  const squatter = createServer().listen(0, "127.0.0.1");
  await once(squatter, "listening");
  const { port } = squatter.address() as { port: number };
  await it.proxy({ port });
  await it.program.says("demo/chat: Programmed is False (ListenerFailed)");
  await it.program.says(`port ${port} on 127.0.0.1 is in use by another process`);
  await it.alive(client, "still here");
  await it.alive(await it.client(ALICE), "on the old port");
  squatter.close();
  await it.program.says("demo/chat: Programmed is True");
  await it.alive(await it.client(ALICE, "/", port), "on the new port");
  expect(await it.dropped()).toBe("0");
});

test("of two proxies on one port the one in force stays, and the other is told", async () => {
  const it = await Bench.start();
  const client = await it.client(ALICE);
  await it.write("another.yaml", proxyManifest({ name: "another", port: it.port }));
  await it.program.says("demo/another: Accepted is False (ListenerConflict)");
  await it.program.says(
    /another\.yaml:5: document 1, WebSocketProxy demo\/another, spec\.listener\.port: port \d+ is that of demo\/chat already/,
  );
  await it.alive(client, "still here");
  const port = await freePort();
  await it.write("another.yaml", proxyManifest({ name: "another", port }));
  await it.program.says("demo/another: Programmed is True");
  await it.alive(await it.client(BOB, "/", port), "both serve");
  expect(await it.dropped()).toBe("0");
});

test("a proxy whose file is deleted ends its sessions with 1001; a path that vanishes changes nothing", async () => {
  const it = await Bench.start();
  const port = await freePort();
  await it.write("another.yaml", proxyManifest({ name: "another", port }));
  await it.program.says("demo/another: Programmed is True");
  const [chat, another] = await Promise.all([it.client(ALICE), it.client(ALICE, "/", port)]);
  await unlink(join(it.folder, "another.yaml"));
  expect(await another.close()).toEqual({ code: 1001, reason: "RouteRemoved" });
  await it.program.says("demo/another is gone");
  await rename(it.folder, `${it.folder}-away`);
  onTestFinished(() => rm(`${it.folder}-away`, { recursive: true, force: true }));
  await it.program.says("does not exist; what it held stays in force");
  await it.alive(chat, "still here");
});

test("a mounted ConfigMap is followed: its swap takes over, and ends only what lost its permission", async () => {
  const mount = await Mount.create();
  const it = await Bench.empty(mount.folder);
  const files = { "proxy.yaml": proxyManifest({ port: it.port }), "backend.yaml": backendManifest(it.backend.port) };
  await mount.publish({ ...files, "keys.yaml": keysManifest({ alice: ALICE, bob: BOB }) });
  it.run();
  await it.program.says("/metrics");
  const [alice, bob] = await Promise.all([it.client(ALICE), it.client(BOB)]);
  await mount.publish({ ...files, "keys.yaml": keysManifest({ bob: BOB }) });
  expect(await alice.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  await it.alive(bob, "still here");
});

test("Ctrl-C closes sessions with 1012, ends with 0, and leaves nothing behind", async () => {
  const it = await Bench.start();
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
  const it = await Bench.prepare();
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

test("with nothing to serve it says why and ends with 1", async () => {
  const it = await Bench.prepare();
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

test("ends with 69 where the admin port or the sample backend's cannot be had", async () => {
  const it = await Bench.start();
  const taken = String(it.adminPort);
  const admin = await ran("standalone", "-f", it.folder, "--admin-port", taken);
  expect([admin.ended, admin.stderr]).toEqual([
    69,
    `wsproxy standalone: admin port ${taken} on 127.0.0.1 is in use by another process; choose another with --admin-port, or 0 for none\n`,
  ]);
  await it.proxy({ port: await freePort() });
  await it.program.says("demo/chat: the new config is in force");
  const own = await Bench.prepare();
  const backend = own.run("--sample-backend", "--sample-backend-port", taken);
  expect(await backend.exit()).toBe(69);
  expect(backend.stderr).toContain("choose another with --sample-backend-port");
});

test("the log is as verbose as the most verbose proxy wants it", async () => {
  const it = await Bench.start();
  await it.client(ALICE);
  await it.program.logs("session opened");
  await it.write("proxy.yaml", proxyManifest({ port: it.port }).replace("{ drain", "{ log: { level: error }, drain"));
  await it.program.says("demo/chat: the new config is in force");
  await it.client(BOB);
  await until("two sessions", async () => (await it.admin("/sessions")).includes("bob"));
  expect(it.program.lines("session opened").length).toBe(1);
});

test("with the sample backend it says what to try, and each of it works", async () => {
  const it = await Bench.prepare();
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
