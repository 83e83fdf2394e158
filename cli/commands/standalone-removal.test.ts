import { expect, test } from "vitest";
import { ALICE, proxyManifest } from "../../test/fakes/manifests.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

// docs/reference/reasons.md, "When something is removed".

/** Resolves when one more config is in force. */
async function inForce(it: Standalone, manifest: string): Promise<void> {
  const count = (): number => it.program.stderr.split("demo/chat: the new config is in force").length;
  const before = count();
  await it.write("proxy.yaml", manifest);
  await until("the new config is in force", () => count() > before);
}

/** A second route, beside the one for every path. */
const second = (name: string, match: string): string =>
  `- name: ${name}
  ${match}
  backends: [{ service: echo, port: 80 }]
  policies: { authentication: { apiKey: { secretSelector: { matchLabels: { keys: chat } } } } }`;

test("a route that is removed, or gets another name, ends its sessions with 1001 and no others", async () => {
  const it = await Standalone.start();
  const other = await it.client(ALICE);
  const write = (routes: string): Promise<void> => inForce(it, proxyManifest({ port: it.port, routes }));
  await write(second("room", "path: { value: /room }"));
  const before = await it.client(ALICE, "/room");
  await write(second("hall", "path: { value: /room }"));
  expect(await before.close()).toEqual({ code: 1001, reason: "RouteRemoved" });
  const after = await it.client(ALICE, "/room");
  await write("");
  expect(await after.close()).toEqual({ code: 1001, reason: "RouteRemoved" });
  await it.alive(other, "still here");
  expect(await it.dropped()).toBe("0");
});

test("a route whose path or host name is another one keeps its sessions; new clients go by the new one", async () => {
  const it = await Standalone.start();
  const write = (match: string): Promise<void> => {
    const manifest = proxyManifest({ port: it.port, routes: second("room", match) });
    return inForce(it, manifest.replace("- name: main", "- name: main\n      path: { value: /main }"));
  };
  await write("path: { value: /room }");
  const session = await it.client(ALICE, "/room");
  await write("path: { value: /hall }");
  await it.alive(session, "on the path that is gone");
  await expect(it.client(ALICE, "/room")).rejects.toThrow("404");
  await write('hostnames: [chat.test]\n  path: { value: "/room" }');
  await it.alive(session, "on a host name that does not match");
  await expect(it.client(ALICE, "/room")).rejects.toThrow("404");
  expect(await it.dropped()).toBe("0");
});

test("a process that stops ends its sessions with 1012", async () => {
  const it = await Standalone.start();
  const session = await it.client(ALICE);
  it.program.signal("SIGTERM");
  expect(await session.close()).toEqual({ code: 1012, reason: "Draining" });
});
