import { expect, onTestFinished, test } from "vitest";
import { packer } from "../../operator/platform/packer.ts";
import { render } from "../../operator/render/render.ts";
import { keyOf } from "../fakes/api-keys.ts";
import { polite, RawBackend, WsBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request, WsClient } from "../fakes/clients.ts";
import { ADMIN_TOKEN, SETTINGS } from "../fakes/golden-case.ts";
import { ipv6 } from "../fakes/ipv6.ts";
import { Mount } from "../fakes/mount.ts";
import { freePort, Program } from "../fakes/program.ts";
import { proxy, secret, translated } from "../fakes/resources.ts";
import { until } from "../fakes/sockets.ts";
import { filesOf } from "../fakes/volume.ts";

/** A WebSocketProxy of mode Sidecar → what the operator writes → a pod's volume → `wsproxy dataplane` beside the backend. */

const KEYS = { labels: { keys: "chat" } };

interface Pod {
  readonly mount: Mount;
  readonly program: Program;
  readonly port: number;
  readonly adminPort: number;
  /** Mounts what the operator makes of a spec, and waits until the pod is ready. */
  publish(spec: object, uid?: string): Promise<void>;
  /** Status of `/readyz`. */
  ready(): Promise<number>;
  /** How a handshake is answered. */
  ask(headers?: Record<string, string>, target?: string): Promise<string>;
}

async function pod(): Promise<Pod> {
  const [mount, port, adminPort] = await Promise.all([Mount.create(), freePort(), freePort()]);
  const where = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--admin-port", String(adminPort)];
  const program = new Program(["dataplane", "--config", mount.folder, "--listener-port", String(port), ...where]);
  await program.logs("admin port open");
  const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status;
  return {
    mount,
    program,
    port,
    adminPort,
    ready,
    async publish(spec, uid = "uid-1") {
      const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };
      const keys = secret("keys", { alice: keyOf("alice"), bob: keyOf("bob") }, KEYS);
      const made = translated({ proxy: proxy({ ...sidecar, ...spec }), secrets: [keys] });
      expect(made.status.problems).toEqual([]);
      const owner = { namespace: "demo", name: "chat", uid };
      const { manifests } = render(owner, { ...made, adminToken: ADMIN_TOKEN }, SETTINGS, packer);
      await mount.publish(filesOf(manifests));
      await until("the pod is ready", async () => (await ready()) === 200);
    },
    async ask(headers = {}, target = "/") {
      const client = await RawClient.send(port, request({ target, headers }));
      const answer = await client.answer();
      client.socket.destroy();
      return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
    },
  };
}

async function backendOn(host: string): Promise<RawBackend> {
  const backend = await new RawBackend(polite).open(0, host);
  onTestFinished(() => backend.close());
  return backend;
}

const to = (...backends: object[]): object => ({ routes: [{ name: "main", path: { value: "/" }, backends }] });
const open = { authentication: { require: "None" } };

test("the process gets messages and the headers of a backend behind a gateway, from its own pod", async () => {
  const it = await pod();
  const backend = await backendOn("127.0.0.1");
  const echo = await new WsBackend().open();
  onTestFinished(() => echo.close());
  await it.publish({
    policies: {
      authentication: { apiKey: { secretSelector: { matchLabels: KEYS.labels } } },
      forwarding: { clientHeader: "x-client", headers: { set: [{ name: "x-env", value: "prod" }] } },
    },
    routes: [
      { name: "main", path: { value: "/" }, backends: [{ port: backend.port }] },
      { name: "echo", path: { value: "/echo" }, backends: [{ port: echo.port }] },
    ],
  });
  expect(await it.ask()).toBe("401 CredentialMissing");
  expect(await it.ask({ "X-Api-Key": keyOf("alice"), "X-Client": "bob", "X-Forwarded-For": "9.9.9.9" })).toBe("101");
  const { last } = backend;
  const names = ["x-client", "x-env", "host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-api-key"];
  expect(Object.fromEntries(names.map((name) => [name, last.values(name)]))).toEqual({
    "x-client": ["alice"],
    "x-env": ["prod"],
    host: ["a.test"],
    "x-forwarded-for": ["127.0.0.1"],
    "x-forwarded-proto": ["http"],
    "x-forwarded-host": ["a.test"],
    "x-api-key": [],
  });
  const client = await WsClient.open(`ws://127.0.0.1:${it.port}/echo`, [], { headers: { "x-api-key": keyOf("bob") } });
  client.socket.send("through the pod");
  expect(await client.message()).toBe("through the pod");
  client.socket.close();
});

test("two ports of the pod share sessions by weight, and each is one backend", async () => {
  const it = await pod();
  const [first, second] = [await backendOn("127.0.0.1"), await backendOn("127.0.0.1")];
  const route = { name: "main", loadBalancing: "RoundRobin", path: { value: "/" } };
  const backends = [
    { port: first.port, weight: 3 },
    { port: second.port, weight: 1 },
  ];
  await it.publish({ policies: open, routes: [{ ...route, backends }] });
  for (let n = 0; n < 8; n += 1) expect(await it.ask()).toBe("101");
  expect([first.connections.length, second.connections.length]).toEqual([6, 2]);
});

test("limits per address and per client count in the pod", async () => {
  const it = await pod();
  const backend = await backendOn("127.0.0.1");
  const attempts = [{ per: "IP", limit: 3, interval: "1h", burst: 3 }];
  const trusting = { listener: { trustedProxies: ["127.0.0.1/32"] } };
  await it.publish({ ...trusting, policies: { ...open, attempts }, ...to({ port: backend.port }) });
  const answers: string[] = [];
  for (let n = 0; n < 4; n += 1) answers.push(await it.ask({ "X-Forwarded-For": "192.0.2.1" }));
  expect(answers).toEqual(["101", "101", "101", "429 AttemptLimit"]);
  expect(await it.ask({ "X-Forwarded-For": "192.0.2.2" })).toBe("101");
});

test.skipIf(!ipv6)("a process that listens on ::1 only is served, as Node's localhost may be", async () => {
  const it = await pod();
  const backend = await backendOn("::1");
  await it.publish({ policies: open, ...to({ port: backend.port }) });
  for (let n = 0; n < 3; n += 1) expect(await it.ask()).toBe("101");
  expect(backend.connections.length).toBe(3);
});

test("a process that listens on the pod's own address only is not reached, and the log names what was dialled", async () => {
  const it = await pod();
  const backend = await backendOn("127.0.0.2");
  await it.publish({ policies: open, ...to({ port: backend.port }) });
  expect(await it.ask()).toBe("502 BackendUnreachable");
  const { cause } = await it.program.logs("handshake refused");
  expect(cause).toMatch(new RegExp(`^connect ECONNREFUSED 127\\.0\\.0\\.1:${backend.port}, E[A-Z]+ \\[::1\\]:`));
});

test.each(["port", "adminPort"] as const)("P4 a backend that is the gateway's own %s is not dialled", async (own) => {
  const it = await pod();
  // The operator knows neither that the pod's admin port was moved nor that its listener is of an older config.
  await it.publish({ policies: open, ...to({ port: it[own] }) });
  expect(await it.ask()).toBe("502 BackendUnreachable");
  const { cause } = await it.program.logs("handshake refused");
  expect(cause).toContain(
    `localhost:${it[own]} is this gateway itself, its ${own === "port" ? "listener" : "admin port"};`,
  );
});

test("a process that restarts is served as soon as it listens again", async () => {
  const it = await pod();
  const first = await new RawBackend(polite).open();
  const { port } = first;
  await it.publish({ policies: open, ...to({ port }) });
  expect(await it.ask()).toBe("101");
  await first.close();
  expect(await it.ask()).toBe("502 BackendUnreachable");
  const second = await new RawBackend(polite).open(port);
  onTestFinished(() => second.close());
  expect(await it.ask()).toBe("101");
});

test("a proxy that is deleted ends its sessions and refuses handshakes, and one that is made anew is served", async () => {
  const it = await pod();
  const echo = await new WsBackend().open();
  onTestFinished(() => echo.close());
  await it.publish({ policies: open, ...to({ port: echo.port }) });
  const client = await WsClient.open(`ws://127.0.0.1:${it.port}/`);
  const before = performance.now();
  await it.mount.publish({});
  expect(await client.close()).toEqual({ code: 1001, reason: "RouteRemoved" });
  expect(performance.now() - before).toBeGreaterThan(5_000);
  expect([await it.ask(), await it.ready()]).toEqual(["404 RouteNotFound", 200]);
  expect(it.program.lines("config rejected")).toEqual([]);
  await it.publish({ policies: open, ...to({ port: echo.port }) }, "uid-2");
  await until("it is served again", async () => (await it.ask()) === "101");
});
