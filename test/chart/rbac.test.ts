import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  WebhookCertificates,
  type WebhookCertificatesOptions,
} from "../../operator/admission/certificates/webhook-certificates.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, type KindName } from "../../operator/kube/kinds.ts";
import { KIND } from "../../api/meta.ts";
import { systemClock } from "../../runtime/clock.ts";
import { FakeApiServer } from "../fakes/api-server.ts";
import { OperatorBench, proxy, putAll } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { silentLog } from "../fakes/log.ts";
import { until } from "../fakes/sockets.ts";
import { helmBinary, objects, template, type Rendered } from "./helm.ts";
import { granted, isRole, needs, rulesOf } from "./permissions.ts";

type Verbs = Readonly<Record<string, string>>;

const LOOKED_AT = {
  list: "the cache reads all once, and again after a watch was lost; what has our name and not our labels is found by it",
  watch: "the cache stays up to date",
};
const OURS = {
  ...LOOKED_AT,
  create: "the first apply makes it",
  patch: "every later apply",
  delete: "it goes when the proxy no longer wants it",
};
const DATA = { ...OURS, get: "the cache has metadata only: data is read where a proxy selects or names the object" };

/** Every permission in the namespaces of WebSocketProxies, and why the operator needs it. */
const needed: Readonly<Record<string, Verbs>> = {
  WebSocketProxy: LOOKED_AT,
  "WebSocketProxy/status": { patch: "the status is an apply of its own" },
  "WebSocketProxy/finalizers": {
    update: "OwnerReferencesPermissionEnforcement asks for it, where an owner reference blocks deletion",
  },
  Secret: DATA,
  ConfigMap: DATA,
  Service: OURS,
  ServiceAccount: OURS,
  EndpointSlice: LOOKED_AT,
  Pod: { ...LOOKED_AT, patch: "an annotation makes the node read the new config" },
  Deployment: OURS,
  ReplicaSet: LOOKED_AT,
  PodDisruptionBudget: OURS,
  NetworkPolicy: OURS,
  Event: { create: "one for each state that changes" },
};

/** Every permission in the operator's own namespace. */
const neededAtHome: Readonly<Record<string, Verbs>> = {
  Lease: { create: "the first election", get: "the leader's name", update: "leading, and giving it back" },
};

/** Every permission on the webhook's one Secret and its one configuration. */
const neededForWebhook: Readonly<Record<string, Verbs>> = {
  Secret: {
    create: "the first certificate",
    get: "every replica serves what is there, and the leader looks when it has to be renewed",
    patch: "renewal",
  },
  MutatingWebhookConfiguration: {
    get: "which certificates the API server trusts now",
    patch: "those that it is to trust",
  },
};

const HOME = "wsproxy-system";
const NAME = "wsproxy-operator";
const ELECTION = `${NAME}-leader-election`;
const WEBHOOK = `${NAME}-webhook`;
const CONFIGURATION = `${NAME}.${HOME}`;
const CERT_MANAGER = ["--set", "webhook.certManager.enabled=true,webhook.certManager.issuerRef.name=ca"];

function expected(table: Readonly<Record<string, Verbs>>): string[] {
  return Object.entries(table)
    .flatMap(([what, verbs]) => {
      const [kind = "", subresource] = what.split("/");
      const { apiVersion, plural } = KINDS[kind as KindName];
      const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
      const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
      return Object.keys(verbs).map((verb) => `${verb} ${group}/${resource}`);
    })
    .sort();
}

describe.skipIf(helmBinary() === undefined)("the chart's permissions (skipped where Helm is not installed)", () => {
  const everywhere = helmBinary() === undefined ? [] : objects(template());
  const narrow = helmBinary() === undefined ? [] : objects(template(["--set", "watchNamespaces={demo,shop}"]));
  const byOther = helmBinary() === undefined ? [] : objects(template(CERT_MANAGER));
  const without = helmBinary() === undefined ? [] : objects(template(["--set", "sidecar.enabled=false"]));
  const named = (all: readonly Rendered[], wanted: string, namespace?: string): Rendered | undefined =>
    all.find((one) => isRole(one) && one.metadata.name === wanted && one.metadata.namespace === namespace);
  const webhookRules = (all: readonly Rendered[]) =>
    [named(all, WEBHOOK, HOME), named(all, CONFIGURATION)].flatMap(rulesOf);
  const roles = (all: readonly Rendered[]) =>
    all
      .filter(isRole)
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? "-"} ${metadata.name}`)
      .sort();

  test("are what the operator needs, line by line", () => {
    expect(granted(rulesOf(named(everywhere, NAME)))).toEqual(expected(needed));
    for (const one of narrow.filter(({ kind, metadata }) => kind === "Role" && metadata.namespace !== HOME))
      expect(granted(rulesOf(one))).toEqual(expected(needed));
    expect(granted(rulesOf(named(everywhere, ELECTION, HOME)))).toEqual(expected(neededAtHome));
    for (const all of [everywhere, narrow]) expect(granted(webhookRules(all))).toEqual(expected(neededForWebhook));
  });

  test("of the webhook are of its one Secret and its one configuration, but for making the Secret", () => {
    for (const all of [everywhere, narrow]) {
      expect(webhookRules(all).map(({ verbs, resources, resourceNames }) => [resources, resourceNames, verbs])).toEqual(
        [
          [["secrets"], undefined, ["create"]],
          [["secrets"], [WEBHOOK], ["get", "patch"]],
          [["mutatingwebhookconfigurations"], [CONFIGURATION], ["get", "patch"]],
        ],
      );
    }
  });

  test("of the webhook are to read its Secret where cert-manager writes it, and none where there is no webhook", () => {
    expect(webhookRules(byOther)).toEqual([
      { apiGroups: [""], resources: ["secrets"], resourceNames: [WEBHOOK], verbs: ["get"] },
    ]);
    expect(roles(without)).toEqual([`ClusterRole - ${NAME}`, `Role ${HOME} ${ELECTION}`]);
  });

  test("are what the operator's calls need, over the life of a proxy: all of it, and nothing more", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.server.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "idp", namespace: "demo" }, data: {} });
    bench.server.put(proxy("chat", withTokens));
    const lease = { namespace: "wsproxy-system", name: "wsproxy-operator", retry: 50 };
    const operator = bench.operator({ lease });
    await until("it has a status", () => bench.status() !== undefined);
    await bench.pods.add("chat", "chat-1");
    await until("it is ready", () => bench.condition("Ready") === "True Ready");
    leftOver(bench, "Secret", "wsproxy-chat-config-3");
    leftOver(bench, "ConfigMap", "wsproxy-chat-old");
    for (const kind of ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"])
      leftOver(bench, kind, "wsproxy-chat-old");
    bench.server.put(proxy("chat", { ...withTokens, gateway: { replicas: 3 } }));
    const removed = (): number => bench.writes().filter((write) => write.startsWith("DELETE")).length;
    await until("what was left over is gone", () => removed() === 7);
    // Events of other kinds may bring the passes that remove it before the watch tells of the edit.
    await until("the pod is nudged for the edit", () => bench.writes().includes("PATCH pods/chat-1"));
    await operator.stop();

    const used = [...new Set(bench.server.calls.flatMap(needs))];
    const may = [named(everywhere, NAME), named(everywhere, ELECTION, HOME)].flatMap((one) => granted(rulesOf(one)));
    expect(used.filter((one) => !may.includes(one))).toEqual([]);
    // An admission plugin requires this one, not a call.
    expect(may.filter((one) => !used.includes(one))).toEqual(["update wsproxy.dev/websocketproxies/finalizers"]);
  });

  test("of the webhook are what its calls need, from the first certificate to the next: all of it, and nothing more", async () => {
    const server = await FakeApiServer.start();
    server.put({
      apiVersion: KINDS.MutatingWebhookConfiguration.apiVersion,
      kind: "MutatingWebhookConfiguration",
      metadata: { name: CONFIGURATION },
      webhooks: [{ name: "inject.wsproxy.dev", clientConfig: {} }],
    });
    const names = { namespace: HOME, secret: WEBHOOK, service: WEBHOOK, configuration: CONFIGURATION };
    const certificates = certificatesOf(server, names);
    const has = (key: string): boolean => Object.hasOwn(server.get("Secret", HOME, WEBHOOK)?.["data"] ?? {}, key);
    await until("the first is in use", () => certificates.current !== undefined && has("ca.crt"));
    server.delete("Secret", HOME, WEBHOOK);
    await until("the next is in use", () => has("ca.crt"));

    const used = [...new Set(server.calls.flatMap(needs))];
    const may = granted(webhookRules(everywhere));
    // An apply makes what is missing, where it may. This one may not: the configuration is the chart's.
    const lacking = "create admissionregistration.k8s.io/mutatingwebhookconfigurations";
    expect(used.filter((one) => !may.includes(one))).toEqual([lacking]);
    expect(may.filter((one) => !used.includes(one))).toEqual([]);
    const objectNames = server.calls.flatMap(({ path }) => /(?:secrets|configurations)\/(.+)$/.exec(path)?.[1] ?? []);
    expect([...new Set(objectNames)].sort()).toEqual([WEBHOOK, CONFIGURATION]);
  });

  test("know every kind that the operator talks about, and no other", () => {
    const tables = [needed, neededAtHome, neededForWebhook];
    const kinds = tables.flatMap((table) => Object.keys(table)).map((what) => what.replace(/\/.*/, ""));
    expect([...new Set(kinds)].sort()).toEqual(Object.keys(KINDS).sort());
  });

  test("lie in the watched namespaces only, where there are any; but for the webhook's configuration, which is in none", () => {
    const webhook = `ClusterRole - ${CONFIGURATION}`;
    const home = [`Role ${HOME} ${ELECTION}`, `Role ${HOME} ${WEBHOOK}`];
    expect(roles(everywhere)).toEqual([`ClusterRole - ${NAME}`, webhook, ...home]);
    expect(roles(narrow)).toEqual([webhook, `Role demo ${NAME}`, `Role shop ${NAME}`, ...home]);
  });

  test("make their holder master of their namespaces, and the guide says so and offers the Roles first", () => {
    const page = readFileSync(new URL("../../docs/guides/install.md", import.meta.url), "utf8");
    const means: Readonly<Record<string, RegExp>> = {
      "create apps/deployments": /The right to create Deployments is the right to run any pod/,
      "create /secrets":
        /The right to create Secrets is the right to have Kubernetes mint a token for any ServiceAccount/,
    };
    for (const one of [everywhere, narrow]) {
      const granting = granted(one.filter(isRole).flatMap(rulesOf)).filter((right) => right in means);
      expect([...new Set(granting)].sort()).toEqual(Object.keys(means).sort());
    }
    for (const words of Object.values(means)) expect(page).toMatch(words);
    const [first = ""] = page.match(/^helm upgrade --install.*(?:\n .*)*/m) ?? [];
    expect(first).toContain("watchNamespaces={");
    expect(page).not.toContain("by which more could be had");
  });

  test("hold no wildcard, no verb that gives rights away, no exec, no nodes and no subresource for tokens", () => {
    for (const role of [...everywhere, ...narrow, ...byOther].filter(isRole)) {
      for (const { apiGroups, resources, verbs } of rulesOf(role)) {
        expect([...apiGroups, ...resources, ...verbs].join(" ")).not.toMatch(
          /[*]|escalate|bind|impersonate|proxy$|exec|token|nodes/,
        );
        expect(apiGroups).not.toContain("rbac.authorization.k8s.io");
        expect(apiGroups).not.toContain("apiextensions.k8s.io");
      }
    }
  });

  test("of the Lease are of the one Lease, but for making it", () => {
    const [make, keep] = rulesOf(named(everywhere, ELECTION, HOME));
    expect(make).toMatchObject({ verbs: ["create"] });
    expect(keep).toMatchObject({ resourceNames: ["wsproxy-operator"], verbs: ["get", "update"] });
  });

  test("go to the operator's account alone, by bindings beside their roles", () => {
    for (const all of [everywhere, narrow, byOther, without]) {
      const bindings = all.filter(({ kind }) => kind.endsWith("RoleBinding") || kind === "ClusterRoleBinding");
      expect(bindings.length).toBe(all.filter(isRole).length);
      for (const binding of bindings) {
        const { name, namespace } = binding.metadata;
        expect(binding["subjects"]).toEqual([
          { kind: "ServiceAccount", name: "wsproxy-operator", namespace: "wsproxy-system" },
        ]);
        const kind = binding.kind.replace("Binding", "");
        expect(binding["roleRef"]).toEqual({ apiGroup: "rbac.authorization.k8s.io", kind, name });
        expect(
          all.some((it) => it.kind === kind && it.metadata.name === name && it.metadata.namespace === namespace),
        ).toBe(true);
      }
    }
  });
});

/** What keeps the webhook's certificate, before this API server; its waits of minutes are over in seconds. */
function certificatesOf(server: FakeApiServer, names: Names): WebhookCertificates {
  const client = new KubeClient(server.kubeConfig(), systemClock);
  const options = { ...names, client, clock: quickClock(1000), log: silentLog, leading: () => true };
  const certificates = new WebhookCertificates({ ...options, source: "operator" });
  const abort = new AbortController();
  const running = certificates.run(abort.signal);
  onTestFinished(async () => {
    abort.abort();
    await running;
    client.close();
  });
  return certificates;
}

type Names = Pick<WebhookCertificatesOptions, "namespace" | "secret" | "service" | "configuration">;

/** A proxy with keys from a Secret in one route, and a key set from a ConfigMap in another. */
const tokens = { jwt: [{ issuer: "https://idp.test/", audiences: ["chat"], jwks: { configMapName: "idp" } }] };
const withKeys = (proxy()["spec"] as { readonly routes: readonly object[] }).routes;
const backends = [{ service: "echo", port: 80 }];
const withTokens = {
  routes: [...withKeys, { name: "tokens", path: { value: "/t" }, backends, policies: { authentication: tokens } }],
};

/** An object of the proxy that the spec no longer asks for. */
function leftOver({ server }: OperatorBench, kind: string, name: string): void {
  const owner = server.get(KIND, "demo", "chat");
  const ofKind: Record<string, string> = { Secret: "wsproxy-chat-config-0", ConfigMap: "wsproxy-chat-endpoints" };
  const like = server.get(kind, "demo", ofKind[kind] ?? "wsproxy-chat");
  if (owner === undefined || like === undefined) throw new Error("there is no proxy yet");
  const { labels, ownerReferences } = like.metadata;
  server.put({ ...like, metadata: { name, namespace: "demo", labels, ownerReferences } } as typeof like);
}
