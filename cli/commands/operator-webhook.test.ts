import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FakeApiServer } from "../../test/fakes/api-server.ts";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";
import { reviewOf } from "../../test/fakes/admitted.ts";
import { freePort, Program, ran, temporaryFolder } from "../../test/fakes/program.ts";
import { keys, putAll, proxy } from "../../test/fakes/operator-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { EXIT } from "../line/exit-codes.ts";

const IMAGE = ["--dataplane-image", "registry.example/wsproxy:1"];
const NAMES = ["--webhook-service", "hook", "--webhook-configuration", "wsproxy", "--webhook-secret", "hook-tls"];

interface Started {
  readonly server: FakeApiServer;
  readonly program: Program;
  readonly ready: () => Promise<boolean>;
  /** Calls the webhook as the API server would: with the CA of its configuration. */
  readonly call: (pod: object) => Promise<{ allowed: boolean; patch?: string; status?: { message: string } }>;
}

async function started(version: object = { major: "1", minor: "33+k3s1" }, failing?: string): Promise<Started> {
  const server = await FakeApiServer.start();
  if (failing !== undefined) server.fail(failing, { status: 500 }, 1);
  server.fail("GET /version", { status: 200, body: JSON.stringify(version) }, 100);
  server.put({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "wsproxy" },
    webhooks: [
      { name: "inject.wsproxy.dev", clientConfig: { service: { name: "hook", namespace: "wsproxy-system" } } },
    ],
  });
  putAll(server);
  server.put(sidecar);
  const kubeconfig = join(await temporaryFolder(), "kubeconfig");
  await writeFile(kubeconfig, server.kubeConfig().exportConfig());
  const [admin, webhook] = [await freePort(), await freePort()];
  const program = new Program([
    ...["operator", ...IMAGE, "--kubeconfig", kubeconfig, "--namespace", "wsproxy-system", ...NAMES],
    ...["--admin-address", `127.0.0.1:${admin}`, "--webhook-address", `127.0.0.1:${webhook}`],
  ]);
  await program.logs("operator started");
  return {
    server,
    program,
    ready: async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).status === 200,
    call: (pod) => called(webhook, bundleOf(server), reviewOf(pod)),
  };
}

function bundleOf(server: FakeApiServer): string {
  for (const { kind, webhooks } of server.store.all()) {
    if (kind !== "MutatingWebhookConfiguration") continue;
    const [{ clientConfig }] = webhooks as [{ clientConfig: { caBundle?: string } }];
    return Buffer.from(clientConfig.caBundle ?? "", "base64").toString();
  }
  throw new Error("there is no MutatingWebhookConfiguration");
}

function called(port: number, ca: string, review: object): ReturnType<Started["call"]> {
  return new Promise((resolve, reject) => {
    const where = { host: "127.0.0.1", port, ca, servername: "hook.wsproxy-system.svc", agent: false };
    const headers = { "content-type": "application/json" };
    const sent = request({ ...where, headers, method: "POST", path: "/inject?timeout=5s" }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () =>
        resolve((JSON.parse(text) as { response: Awaited<ReturnType<Started["call"]>> }).response),
      );
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(review));
  });
}

const sidecar = proxy("chat", {
  mode: "Sidecar",
  sidecar: { selector: { matchLabels: { app: "chat" } } },
  gateway: undefined,
  routes: [
    {
      name: "chat",
      backends: [{ port: 3000 }],
      policies: { authentication: { apiKey: { secretSelector: { matchLabels: { keys: "chat" } } } } },
    },
  ],
});
const pod = {
  metadata: { labels: { app: "chat", "wsproxy.dev/inject": "chat" } },
  spec: { containers: [{ name: "app" }] },
};

function statusOf(server: FakeApiServer, namespace = "demo"): unknown {
  return server.get("WebSocketProxy", namespace, "chat")?.["status"];
}

/** What a Secret holds: each value, as it is and in base64, line by line. */
function textsOf({ data }: ApiObject): readonly string[] {
  const values = Object.values((data ?? {}) as Record<string, string>);
  const lines = values.flatMap((value) => [value, ...Buffer.from(value, "base64").toString().split("\n")]);
  return lines.filter((line) => line.length >= 16 && !line.startsWith("-----"));
}

const lease = (server: FakeApiServer): unknown =>
  (server.get("Lease", "wsproxy-system", "wsproxy-operator") as { spec?: { holderIdentity?: unknown } } | undefined)
    ?.spec?.holderIdentity;

test("is ready when it has its certificate, injects, and serves on for 5 s after it gave the Lease back", async () => {
  const { server, program, ready, call } = await started();
  await until("it is ready", ready);
  expect(server.get("Secret", "wsproxy-system", "hook-tls")).toBeDefined();
  await until("the config is written", async () => (await call(pod)).allowed);
  expect((await call(pod)).patch).toBeDefined();
  expect(await call({ metadata: {}, spec: {} })).toMatchObject({ allowed: true });
  program.signal("SIGTERM");
  const began = performance.now();
  await until("the Lease is given back", () => lease(server) === "");
  expect(performance.now() - began).toBeLessThan(4000);
  // New objects too: its caches are kept filled.
  server.put(proxy("later"));
  await until("it has heard of a new proxy", async () => {
    const { status } = await call({ ...pod, metadata: { labels: { app: "chat", "wsproxy.dev/inject": "later" } } });
    return status?.message.includes("no WebSocketProxy") === false;
  });
  expect(await program.exit()).toBe(0);
  expect(performance.now() - began).toBeGreaterThan(4500);
  await expect(call(pod)).rejects.toThrow("ECONNREFUSED");
}, 30_000);

test("is not ready while its certificate is not trusted", async () => {
  const { program, ready } = await started(undefined, "PATCH /apis/admissionregistration.k8s.io/v1");
  await program.logs("webhook certificate: looking again");
  expect(await ready()).toBe(false);
  await program.logs("webhook certificate trusted");
  await until("it is ready", ready);
});

test("ends at once when it is asked twice", async () => {
  const { server, program, ready } = await started();
  await until("it is ready", ready);
  program.signal("SIGTERM");
  await until("the Lease is given back", () => lease(server) === "");
  const began = performance.now();
  program.signal("SIGTERM");
  expect(await program.exit()).toBe(0);
  expect(performance.now() - began).toBeLessThan(4000);
});

test("of a server without native sidecars does not accept mode Sidecar, and refuses its pods", async () => {
  const { server, ready, call } = await started({ major: "1", minor: "28+" });
  await until("it is ready", ready);
  await until("the status says so", () => JSON.stringify(statusOf(server)).includes("SidecarUnsupported"));
  expect(JSON.stringify(statusOf(server))).toContain("1.29");
  expect(await call(pod)).toMatchObject({ allowed: false });
});

test.each(["kube-system", "wsproxy-system"])(
  "accepts no mode Sidecar in %s, whose pods it never sees",
  async (namespace) => {
    const { server, ready } = await started();
    server.put({ ...sidecar, metadata: { ...sidecar.metadata, namespace, uid: "uid-2" } });
    await until("it is ready", ready);
    await until("it has a status", () => statusOf(server, namespace) !== undefined);
    expect(JSON.stringify(statusOf(server, namespace))).toContain("SidecarUnsupported");
    await until("another one too", () => statusOf(server) !== undefined);
    expect(JSON.stringify(statusOf(server))).not.toContain("SidecarUnsupported");
  },
);

test("W9 answers nothing that a Secret holds", async () => {
  const { server, ready, call, program } = await started();
  server.put(keys({ bob: "bobs-very-own-key-0001" }));
  await until("it is ready", ready);
  await until("the config is written", async () => (await call(pod)).allowed);
  const labels = (more: object): object => ({ ...pod, metadata: { labels: { app: "chat", ...more } } });
  const pods = [
    pod,
    labels({ "wsproxy.dev/inject": "missing" }),
    labels({ app: "other", "wsproxy.dev/inject": "chat" }),
    labels({}),
    { ...pod, spec: { hostNetwork: true, containers: [{ name: "app" }] } },
  ];
  const answers = await Promise.all(pods.map(async (it) => JSON.stringify(await call(it))));
  const all = answers.map((text) => text + Buffer.from(/"patch":"([^"]*)"/.exec(text)?.[1] ?? "", "base64").toString());
  const secrets = server.store
    .all()
    .filter(({ kind }) => kind === "Secret")
    .flatMap(textsOf);
  expect(secrets.length).toBeGreaterThan(4);
  for (const text of all) for (const secret of secrets) expect(text.includes(secret)).toBe(false);
  expect(all[0]).toContain("registry.example/wsproxy:1"); // it is an answer
  for (const secret of secrets) expect(program.stdout.includes(secret)).toBe(false);
});

test("says which option is missing or wrong, before it opens anything", async () => {
  const all = ["operator", ...IMAGE, "--namespace", "x", "--webhook-port", "9443"];
  const [missing, wrong, kind] = await Promise.all([
    ran(...all),
    ran(...all, ...NAMES, "--webhook-secret", "A_b"),
    ran(...all, ...NAMES, "--webhook-certificates", "vault"),
  ]);
  expect([missing.ended, missing.stderr]).toEqual([
    EXIT.usage,
    expect.stringContaining("--webhook-service is missing"),
  ]);
  expect([wrong.ended, wrong.stderr]).toEqual([EXIT.usage, expect.stringContaining("--webhook-secret")]);
  expect([kind.ended, kind.stderr]).toEqual([EXIT.usage, expect.stringContaining("write operator or secret")]);
});

test("ends with words where the port is in use", async () => {
  const { server, program } = await started();
  const taken = (await program.logs("operator started"))["webhookPort"];
  const kubeconfig = join(await temporaryFolder(), "kubeconfig");
  await writeFile(kubeconfig, server.kubeConfig().exportConfig());
  const where = ["--kubeconfig", kubeconfig, "--namespace", "wsproxy-system", "--admin-port", "0", ...NAMES];
  const { ended, stderr } = await ran(
    "operator",
    ...IMAGE,
    ...where,
    "--webhook-address",
    `127.0.0.1:${String(taken)}`,
  );
  expect([ended, stderr]).toEqual([EXIT.unavailable, expect.stringContaining("is in use by another process")]);
  expect(stderr).toContain("--webhook-port");
});
