import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { objects, template } from "../chart/helm.ts";
import { authorities } from "../fakes/certificate-bench.ts";
import { until } from "../fakes/sockets.ts";
import { addingWebhook } from "./adding-webhook.ts";
import { clientOf, create } from "./bench.ts";
import { creation, Creations, slowestOf } from "./creations.ts";
import { eventually, listOf, startOperator } from "./operator-bench.ts";
import { ForeignIssuer } from "./foreign-issuer.ts";
import type { ServingOperator } from "./serving-operator.ts";
import { bundleOf, servingReplica } from "./serving-replica.ts";
import { decisions } from "./webhook-decisions.ts";
import {
  APP,
  deploymentOf,
  injected,
  LABELS,
  madeOf,
  podOf,
  replicaFailure,
  withoutToken,
  type Pod,
} from "./webhook-pods.ts";
import { CONFIGURATION, HOME, WEBHOOK, WebhookPlane } from "./webhook-plane.ts";

// A real API server calls the webhook of real operators, over TLS that it verifies.

const RBAC = "/apis/rbac.authorization.k8s.io/v1";

let plane: WebhookPlane;

beforeAll(async () => {
  plane = await WebhookPlane.start();
});
afterAll(() => plane.stop());

describe("while two operators serve, the API server", () => {
  let operators: ServingOperator[];
  const namespace = "demo";

  beforeAll(async () => {
    operators = [await plane.operator(), await plane.operator()];
    await plane.namespaceOfChat(namespace);
  });
  afterAll(() => plane.endOperators());

  test("stores a labelled pod as the webhook says, in a namespace that enforces restricted; asked again, it changes nothing", async () => {
    const sent = podOf({ name: "one", namespace });
    const stored = await plane.create(namespace, sent);
    const { wanted, asked } = await decisions(plane.client, namespace, sent, stored);
    const [container] = wanted.spec.initContainers ?? [];
    // AlwaysPullImages.
    expect(stored.spec.initContainers).toMatchObject([{ ...container, imagePullPolicy: "Always" }]);
    expect(stored.metadata).toMatchObject(wanted.metadata);
    expect(stored.spec.terminationGracePeriodSeconds).toBe(wanted.spec.terminationGracePeriodSeconds);
    expect(stored.spec.volumes).toMatchObject([{}, ...(wanted.spec.volumes ?? [])]);
    expect(madeOf(stored)).toEqual(injected());
    expect(asked).not.toHaveProperty("patch");
    expect(asked).toMatchObject({ allowed: true });
  });

  test("mounts the token of the pod's account into its own containers, and not into the gateway's", async () => {
    const { spec } = await plane.create(namespace, podOf({ name: "token" }));
    const mounts = [...(spec.initContainers ?? []), ...spec.containers].map(({ volumeMounts = [] }) =>
      volumeMounts.map(({ name, mountPath }) => `${name.replace(/access-\w+$/, "access")} ${mountPath}`),
    );
    const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    expect(mounts).toEqual([
      ["wsproxy-config /etc/wsproxy/config", `wsproxy-none ${folder}`],
      [`kube-api-access ${folder}`],
    ]);
  });

  test("makes the same of a dry run, and stores nothing", async () => {
    const before = await listOf(plane.client, "Pod", namespace);
    const dry = await plane.create(namespace, podOf({ name: "dry" }), { dryRun: "All" });
    expect(await listOf(plane.client, "Pod", namespace)).toHaveLength(before.length);
    const stored = await plane.create(namespace, podOf({ name: "dry" }));
    expect(withoutToken(dry.spec)).toEqual(withoutToken(stored.spec));
    expect(dry.metadata.annotations).toEqual(stored.metadata.annotations);
  });

  test("names a pod with generateName after the webhook was asked", async () => {
    const pod = await plane.create(namespace, podOf({ generateName: "many-" }));
    expect(pod.metadata.name).toMatch(/^many-\w{5}$/);
    expect(madeOf(pod)).toEqual(injected());
  });

  test.each([
    ["before", "a-before"],
    ["after", "z-after"],
  ])("gives a container that another webhook adds %s ours its hook, and nothing twice", async (name, configuration) => {
    const own = await plane.namespaceOfChat(`webhook-${name}`);
    await addingWebhook(plane, own, configuration, "added");
    expect(madeOf(await plane.create(own, podOf({ name: "two" })))).toEqual(injected("added"));
  });

  test("keeps what LimitRanger gives to the gateway's container, and the pod within the limits", async () => {
    const own = await plane.namespaceOfChat("limited");
    const limits = [
      { type: "Container", default: { cpu: "2", memory: "1Gi" }, min: { cpu: "10m" }, max: { cpu: "4" } },
    ];
    const path = `/api/v1/namespaces/${own}/limitranges`;
    await plane.client.request({ method: "POST", path, body: { metadata: { name: "limits" }, spec: { limits } } });
    let pod: Pod | undefined;
    await eventually("the limits are in force", async () => {
      pod = await plane.create(own, podOf({ generateName: "limited-" }));
      return pod.spec.containers[0]?.resources?.limits !== undefined;
    });
    const [gateway] = pod?.spec.initContainers ?? [];
    expect(gateway?.resources).toEqual({
      requests: { cpu: "100m", memory: "128Mi" },
      limits: { cpu: "2", memory: "1Gi" },
    });
    expect(madeOf(pod as Pod)).toEqual(injected());
  });

  test.each([
    [
      "names no proxy",
      { labels: { ...LABELS, "wsproxy.dev/inject": "none" } },
      {},
      'there is no WebSocketProxy "none"',
    ],
    ["has other labels", { labels: { ...LABELS, app: "shop" } }, {}, "does not select the pod"],
    [
      "uses our port",
      {},
      { containers: [{ ...APP, ports: [{ containerPort: 8080 }] }] },
      'container "app" declares port 8080',
    ],
  ])("refuses a pod that %s as Forbidden, and kubectl prints our sentence", async (_, metadata, spec, words) => {
    const body = { apiVersion: "v1", kind: "Pod", ...podOf({ name: "refused", ...metadata }, spec) };
    const refused = plane.create(namespace, body);
    await expect(refused).rejects.toMatchObject({ status: 403, reason: "Forbidden" });
    await expect(refused).rejects.toThrow(`admission webhook "inject.wsproxy.dev" denied the request: `);
    const { status, err } = await plane.kubectl(JSON.stringify(body), "create", "-n", namespace, "-f", "-");
    expect(status).toBe(1);
    expect(err).toMatch(/^Error from server \(Forbidden\): /);
    expect(err).toContain(words);
  });

  test("gets an answer about pods of 1.4 MiB, three at the same time", async () => {
    const env = [{ name: "LARGE", value: "x".repeat(1.4 * 1024 * 1024) }];
    const annotations = { padding: "y".repeat(32 * 1024) };
    const pods = Array.from({ length: 3 }, (__, n) =>
      podOf({ name: `large-${n}`, annotations }, { containers: [{ ...APP, env }] }),
    );
    const made = await Promise.all(pods.map((pod) => plane.create(namespace, pod)));
    for (const pod of made) expect(madeOf(pod)).toEqual(injected());
    for (const { metadata } of made)
      await plane.client.request({ method: "DELETE", path: pathOf(KINDS.Pod, namespace, metadata.name) });
  });

  test("gets all answers about a hundred pods that are created at once, within half of the time that it waits", async () => {
    // On two cores that do nothing else: 0.9 s without the label, 1.5 s with it. Of three times the best one counts.
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 3 && best > 2500; round += 1) {
      best = Math.min(best, await slowestOf(plane, namespace, 100));
    }
    expect(best).toBeLessThan(2500);
    // Each of them answers, not only the one that leads.
    for (const operator of operators) expect(await operator.injections()).toBeGreaterThan(20);
  });

  test("lets controllers make injected pods; a Deployment that is refused says why, and has its pods when the proxy is there", async () => {
    await create(plane.client, "Deployment", namespace, "good", deploymentOf());
    await eventually("its pods are there", async () => (await podsOf(namespace, "good-")).length === 2);
    for (const pod of await podsOf(namespace, "good-")) expect(madeOf(pod)).toEqual(injected());

    const own = "late";
    await plane.namespace(own, { "pod-security.kubernetes.io/enforce": "restricted" });
    await create(plane.client, "Deployment", own, "early", deploymentOf());
    await eventually("it says why it has no pods", async () => (await replicaFailure(plane.client, own)) !== undefined);
    expect(await replicaFailure(plane.client, own)).toBe(
      `admission webhook "inject.wsproxy.dev" denied the request: there is no WebSocketProxy "chat" in namespace "late"; create it first, or correct the label wsproxy.dev/inject`,
    );
    await plane.chat(own);
    await eventually("its pods are there", async () => (await podsOf(own, "early-")).length === 2);
    await eventually("it says nothing more", async () => (await replicaFailure(plane.client, own)) === undefined);
    for (const pod of await podsOf(own, "early-")) expect(madeOf(pod)).toEqual(injected());
  });

  test("asks about pods of watched namespaces only, where the release has any", async () => {
    const [watched, other] = [await plane.namespaceOfChat("watched"), "other"];
    await plane.namespace(other, {});
    const restore = (): Promise<void> => plane.apply([configurationOf([])]);
    onTestFinished(restore);
    await plane.apply([configurationOf(["--set", "watchNamespaces={watched}"])]);
    await eventually("the other is not asked about", async () => {
      const made = await creation(() => plane.create(other, podOf({ name: "probe" }), { dryRun: "All" }));
      return made.failure === "it has no gateway";
    });
    expect(madeOf(await plane.create(watched, podOf({ name: "one" })))).toEqual(injected());
  });
});

describe("while operators come and go, the API server", () => {
  test("gets labelled pods refused while none runs; others start, and those of kube-system and the operator's own namespace", async () => {
    await plane.namespace("alone", {});
    const refused = plane.create("alone", podOf({ name: "labelled" }));
    await expect(refused).rejects.toThrow(/failed calling webhook "inject.wsproxy.dev"/);
    await expect(refused).rejects.toMatchObject({ status: 500, reason: "InternalError" });
    for (const [namespace, labels] of [
      ["alone", { app: "chat" }],
      ["kube-system", LABELS],
      [HOME, LABELS],
    ] as const) {
      const pod = await plane.create(namespace, podOf({ name: "one", labels }));
      expect(pod.spec.initContainers).toBe(undefined);
    }
  });

  test("gets all answers while an operator stops whose endpoint goes a second after the signal", async () => {
    const first = await two();
    const namespace = await plane.namespaceOfChat("stopped");
    const load = new Creations(plane, namespace);
    await load.more(50);
    const ended = first.end("SIGTERM");
    await pass(1500);
    await first.unlist();
    await ended;
    await load.more(50);
    await load.stop();
    expect(load.failed).toEqual([]);
  });

  test("gets no answer from an operator that was killed, until its endpoint is gone; the other answers on", async () => {
    const first = await two();
    const namespace = await plane.namespaceOfChat("killed");
    expect(await first.isLeading()).toBe(true);
    const load = new Creations(plane, namespace);
    await load.more(50);
    await first.end("SIGKILL");
    await until("creations fail", () => load.failed.length > 0);
    await first.unlist();
    const gone = performance.now();
    await pass(2000);
    await load.more(100);
    await load.stop();
    for (const { failure } of load.failed) expect(failure).toMatch(/500 InternalError: .*failed calling webhook/);
    expect(load.failed.filter(({ began }) => began > gone + 2000)).toEqual([]);
  });

  test("gets all answers while the certificate is replaced, since its Secret was deleted", async () => {
    // Only the waits of the certificates are over in seconds.
    const client = clientOf(await plane.account());
    const namespace = "rotated";
    await plane.namespace(namespace, { "pod-security.kubernetes.io/enforce": "restricted" });
    const { controller } = startOperator(client, [namespace], 1);
    const endpoints = [
      await servingReplica(plane, client, controller, true),
      await servingReplica(plane, client, controller, false),
    ];
    await plane.chat(namespace);
    const before = await Promise.all(endpoints.map((one) => one.serial()));
    expect(new Set(before).size).toBe(1);
    const load = new Creations(plane, namespace);
    await load.more(20);
    await plane.client.request({ method: "DELETE", path: pathOf(KINDS.Secret, HOME, WEBHOOK) });
    await until("both CAs are trusted", async () => authorities(await bundleOf(plane)).length === 2);
    await until("both serve the new certificate", async () => {
      const serials = await Promise.all(endpoints.map((one) => one.serial()));
      return new Set(serials).size === 1 && serials[0] !== before[0];
    });
    await until("the old CA is dropped", async () => authorities(await bundleOf(plane)).length === 1, 30_000);
    await load.more(50);
    await load.stop();
    expect(load.failed).toEqual([]);
  });
});

/** Values for a release whose certificates cert-manager makes. */
const CERT_MANAGER = ["--set", "webhook.certManager.enabled=true", "--set", "webhook.certManager.issuerRef.name=ours"];

test("with cert-manager's certificates the operator writes neither Secret nor bundle, and a renewal fails no call", async () => {
  await plane.client.request({ method: "DELETE", path: pathOf(KINDS.Secret, HOME, WEBHOOK) }).catch(() => {});
  // Those of the operator's own certificates: it is to need none.
  await plane.client.request({ method: "DELETE", path: `${RBAC}/clusterroles/${CONFIGURATION}` });
  await plane.release(...CERT_MANAGER);
  const issuer = new ForeignIssuer(plane.client);
  await issuer.issue();
  onTestFinished(() => plane.endOperators());
  const operators = [await plane.operator(...CERT_MANAGER), await plane.operator(...CERT_MANAGER)];
  const namespace = await plane.namespaceOfChat("foreign");
  const serials = (): Promise<string[]> => Promise.all(operators.map(({ endpoint }) => endpoint.serial()));
  const [before] = await serials();
  const load = new Creations(plane, namespace);
  await load.more(20);
  await issuer.issue();
  await until("both serve the new certificate", async () => !(await serials()).includes(before ?? ""), 30_000);
  await load.more(50);
  await load.stop();
  expect(load.failed).toEqual([]);
  expect(await issuer.writers()).toEqual(["cert-manager"]);
  for (const operator of operators) expect(await operator.said()).not.toMatch(/forbidden|trusted|issued|promoted/);
});

async function podsOf(namespace: string, prefix: string): Promise<Pod[]> {
  return (await listOf<Pod>(plane.client, "Pod", namespace)).filter(({ metadata }) => metadata.name.startsWith(prefix));
}

/** The webhook's configuration as the chart renders it with these values. */
function configurationOf(values: readonly string[]): object {
  const found = objects(template(values)).find(({ kind }) => kind === "MutatingWebhookConfiguration");
  if (found === undefined) throw new Error("the chart has no webhook");
  return found;
}

/** Starts two operators, until the test ends; resolves with the one that leads. */
async function two(): Promise<ServingOperator> {
  onTestFinished(() => plane.endOperators());
  const first = await plane.operator();
  await until("it leads", () => first.isLeading(), 30_000);
  await plane.operator();
  return first;
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
