import { rename, rm, unlink } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { WsClient } from "../../test/fakes/clients.ts";
import { ALICE, backendManifest, BOB, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort } from "../../test/fakes/program.ts";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

test("a key that is deleted ends the live session of its client with 3000 within a second, and no other session", async () => {
  const deletion = async (): Promise<{ took: number }> => {
    const it = await Standalone.start();
    const [alice, bob] = await Promise.all([it.client(ALICE), it.client(BOB)]);
    const start = performance.now();
    await it.write("keys.yaml", keysManifest({ bob: BOB }));
    expect(await alice.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
    const took = performance.now() - start;
    await it.alive(bob, "still here");
    await it.program.says("demo/chat: the new config is in force");
    await expect(it.client(ALICE)).rejects.toThrow("401");
    expect(await it.dropped()).toBe("0");
    return { took };
  };
  expect(await tooMuchInEachRound({ took: 1000 }, deletion)).toEqual({});
});

test("a limit that is changed holds for live sessions, and ends none by itself", async () => {
  const it = await Standalone.start({ policies: "messageSize: { fromClient: 64Ki }" });
  const client = await it.client(ALICE);
  await it.alive(client, "x".repeat(1000));
  await it.proxy({ policies: "messageSize: { fromClient: 100 }" });
  await it.program.says("demo/chat: the new config is in force");
  await it.alive(client, "short");
  client.socket.send("x".repeat(101));
  expect(await client.close()).toEqual({ code: 1009, reason: "MessageTooBig" });
  expect(await it.dropped()).toBe("0");
});

test("mode Sidecar is served: a port of the pod is a port of this machine", async () => {
  const it = await Standalone.prepare();
  const text = proxyManifest({
    port: it.port,
    spec: "mode: Sidecar\nsidecar: { selector: { matchLabels: { app: chat } } }",
  });
  await it.write("proxy.yaml", text.replace("{ service: echo, port: 80 }", `{ port: ${it.backend.port} }`));
  await it.run().says("#token=");
  await it.alive(await it.client(ALICE), "hello");
  expect(it.program.stderr).not.toContain("Ready is False");
});

test("a store that no server answers for is taken, and sessions go on; nothing is said of pods, since there is one process", async () => {
  const policies = "connections: [{ per: Client, limit: 5 }]";
  const it = await Standalone.start({ policies });
  const client = await it.client(ALICE);
  await it.proxy({ policies, spec: `store: { address: "127.0.0.1:${await freePort()}" }` });
  await it.program.says("demo/chat: the new config is in force");
  await it.alive(client, "still here");
  await it.alive(await it.client(BOB), "hello");
  await it.proxy({ policies, spec: "store: { address: 127.0.0.1 }" });
  await it.program.says(/problem: \S+\/proxy\.yaml:\d+: .*spec\.store\.address: must have a port/);
  expect(it.program.stderr).not.toMatch(/Limits per|each pod/);
  expect(await it.dropped()).toBe("0");
});

test("an edit that is accepted and may not be what the user means is in force, with a warning", async () => {
  const it = await Standalone.start();
  const client = await it.client(ALICE);
  const issuer = (name: string): string =>
    `{ issuer: "https://${name}.test/", audiences: [chat], jwks: { uri: "https://${name}.test/keys" } }`;
  await it.proxy({ policies: `  require: Any\n  jwt: [${issuer("a")}, ${issuer("b")}]` });
  await it.program.says(
    /warning: \S+\/proxy\.yaml:\d+: .*jwt\[1\]\.clientClaim: takes the client id from the claim "sub"/,
  );
  await it.program.says("demo/chat: the new config is in force");
  await it.alive(client, "still here");
  expect(await it.dropped()).toBe("0");
});

test("a new route is served, and ends no session", async () => {
  const it = await Standalone.start();
  const client = await it.client(ALICE);
  const open = "policies: { authentication: { require: None } }";
  await it.proxy({
    routes: `- name: open\n  path: { value: /open }\n  backends: [{ service: echo, port: 80 }]\n  ${open}`,
  });
  await it.program.says("demo/chat route open: Accepted is True");
  await it.alive(await WsClient.open(`ws://127.0.0.1:${it.port}/open`), "no client");
  await it.alive(client, "still here");
  expect(await it.dropped()).toBe("0");
});

test("broken YAML ends no session and says where; the other files' edits count; the repair is noticed", async () => {
  const it = await Standalone.start();
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
  const it = await Standalone.start();
  const client = await it.client(ALICE);
  await it.proxy({ policies: "messageSize: { fromClient: large }" });
  await it.program.says(
    /proxy\.yaml:14: document 1, WebSocketProxy demo\/chat, spec\.routes\[0\]\.policies\.messageSize\.fromClient: is not a size/,
  );
  await it.program.says("demo/chat route main: Accepted is False (Invalid). The version before stays in force.");
  await it.program.says("demo/chat: Programmed is False (NotAccepted). The last good config stays in force.");
  await it.alive(client, "after a wrong field");
  // It is served, by what was accepted before.
  expect(it.program.stderr).not.toContain("Ready is False");

  await it.proxy({ spec: "policies: { forwarding: {} }", policies: "timeouts: { idle: 0s }" });
  await it.program.says("demo/chat: Programmed is True");
  await it.write("keys.yaml", keysManifest({ alice: ALICE, bob: BOB }));
  await it.proxy({ service: "echo, basicAuthSecretName: absent" });
  await it.program.says(
    /WebSocketProxy demo\/chat, spec\.routes\[0\]\.backends\[0\]\.basicAuthSecretName: there is no Secret absent/,
  );
  await it.program.says("demo/chat route main: ResolvedRefs is False (SecretNotFound)");
  await it.alive(client, "after a missing Secret");
  expect(await it.dropped()).toBe("0");
});

test("the listener's port moves, and sessions stay", async () => {
  const it = await Standalone.start();
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
  const it = await Standalone.start();
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

test("a listener that moves to the admin port is told so, and stays", async () => {
  const it = await Standalone.start();
  const client = await it.client(ALICE);
  await it.proxy({ port: it.adminPort });
  await it.program.says(
    /proxy\.yaml:5: document 1, WebSocketProxy demo\/chat, spec\.listener\.port: port \d+ is that of the gateway's own \/metrics and \/healthz \(the admin port\) already; choose another/,
  );
  await it.program.says("demo/chat: Accepted is False (Invalid)");
  await it.alive(client, "still here");
  await it.alive(await it.client(ALICE), "on the old port");
  expect(it.program.stderr).not.toContain("another process");
  await it.proxy();
  await it.program.says("demo/chat: Accepted is True");
  expect(await it.dropped()).toBe("0");
});

test("of two proxies on one port the one in force stays, and the other is told", async () => {
  const it = await Standalone.start();
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
  const it = await Standalone.start();
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
  const it = await Standalone.empty(mount.folder);
  const files = { "proxy.yaml": proxyManifest({ port: it.port }), "backend.yaml": backendManifest(it.backend.port) };
  await mount.publish({ ...files, "keys.yaml": keysManifest({ alice: ALICE, bob: BOB }) });
  it.run();
  await it.program.says("/metrics");
  const [alice, bob] = await Promise.all([it.client(ALICE), it.client(BOB)]);
  await mount.publish({ ...files, "keys.yaml": keysManifest({ bob: BOB }) });
  expect(await alice.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  await it.alive(bob, "still here");
});
