import assert from "node:assert/strict";
import { join } from "node:path";
import { keyOf } from "../../fakes/api-keys.ts";
import { command } from "../command.ts";
import { reached } from "../dataplane.ts";
import { limitedAccount } from "../limited-account.ts";
import { scenario } from "../scenario.ts";
import { sampleBackend } from "../workloads.ts";

const WSPROXY = join(import.meta.dirname, "../../../bin/wsproxy");
const NAME = "chat";
const LABELS = { "wsproxy.dev/api-keys": "status" };
const PODS = 2;

/** The rules of the Role in the guide that status needs. */
const RULES = [
  { apiGroups: [""], resources: ["secrets"], resourceNames: [`wsproxy-${NAME}-admin`], verbs: ["get"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
  { apiGroups: [""], resources: ["pods/portforward"], verbs: ["get", "create"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list"] },
  { apiGroups: ["wsproxy.dev"], resources: ["websocketproxies"], resourceNames: [NAME], verbs: ["get"] },
];

interface Status {
  readonly conditions: readonly { readonly status: string }[];
  readonly pods: readonly { readonly ready: boolean; readonly sessions: number; readonly serves?: object }[];
  readonly backends: readonly { readonly service: string; readonly ready: number }[];
  readonly refusals: readonly { readonly reason: string; readonly status: number; readonly count: number }[];
  readonly problems: readonly { readonly what: string; readonly next: readonly string[] }[];
  readonly missing: readonly string[];
}

export default scenario("status says how a proxy is, and which command leads on", async (cluster, report) => {
  const { ledger } = cluster;
  await cluster.install();
  const namespace = await cluster.namespace("status");
  const keys = { apiVersion: "v1", kind: "Secret", metadata: { name: "keys", labels: LABELS } };
  await cluster.apply(namespace, ...sampleBackend(), { ...keys, stringData: { alice: keyOf("alice") } });
  await cluster.rolledOut(namespace, "sample-backend");
  const authentication = { apiKey: { secretSelector: { matchLabels: LABELS } } };
  const backends = [{ service: "sample-backend", port: "ws" }];
  const routes = [{ name: "main", backends, policies: { authentication } }];
  const url = await cluster.proxy(namespace, NAME, { gateway: { replicas: PODS }, routes });
  const dial = (key: string) => ledger.dial(url, { as: "alice", headers: { "x-api-key": key } });
  await reached(cluster, namespace, NAME, PODS, () => dial(keyOf("alice")).opened());
  const kubeconfig = await limitedAccount(cluster, namespace, "looker", RULES);
  const status = async (file = kubeconfig): Promise<Status> => {
    // With a problem, or without a right, it says so by its exit code.
    const script = `"$0" status ${NAME} -o json --kubeconfig "$1" || [ $? -eq 1 ] || [ $? -eq 77 ]`;
    return JSON.parse(await command("sh", ["-c", script, WSPROXY, file], { signal: cluster.signal })) as Status;
  };

  await report.step("it reads all parts with the rights of the Role in the guide", async () => {
    assert.equal(await dial("not-a-key-of-any-client").refused(), "401 CredentialInvalid");
    await cluster.until("every part is well", async () => {
      const { pods, conditions, backends: found } = await status();
      const served = pods.filter(({ ready, serves }) => ready && serves !== undefined);
      const well = conditions.filter((one) => one.status === "True");
      return served.length === PODS && well.length === 4 && (found[0]?.ready ?? 0) > 0;
    });
    const { pods, refusals, missing } = await status();
    assert.equal(
      pods.reduce((sum, { sessions }) => sum + sessions, 0),
      ledger.live.length,
    );
    assert.ok(refusals.some(({ reason, count }) => reason === "CredentialInvalid" && count === 1));
    assert.deepEqual(missing, []);
  });

  await report.step("a backend without an endpoint is a problem, with the command that leads on", async () => {
    const lost = { name: "lost", path: { value: "/lost" }, backends: [{ service: "nowhere", port: 80 }] };
    const value = { ...lost, policies: { authentication: { require: "None" } } };
    const patch = JSON.stringify([{ op: "add", path: "/spec/routes/-", value }]);
    await cluster.kubectl("-n", namespace, "patch", "wsp", NAME, "--type", "json", "--patch", patch);
    const next = `kubectl --kubeconfig ${kubeconfig} --namespace ${namespace} describe service nowhere`;
    await cluster.until("status names the backend", async () => {
      const { problems } = await status();
      return (
        problems.some((one) => one.next.includes(next)) && problems.some(({ what }) => /ServiceNotFound/.test(what))
      );
    });
  });

  await report.step("without a right the other parts are there, and the right is named", async () => {
    const file = await limitedAccount(cluster, namespace, "no-secret", RULES.slice(1));
    const { pods, conditions, missing } = await status(file);
    assert.deepEqual([pods.length, conditions.length], [PODS, 4]);
    assert.match(missing.join("\n"), /"get" on secrets \(the one named wsproxy-chat-admin\)/);
  });
});
