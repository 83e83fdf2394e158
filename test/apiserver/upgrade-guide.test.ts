import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shellBlocks } from "../cluster/shell-blocks.ts";
import { ControlPlane } from "./control-plane.ts";

// docs/guides/upgrade.md, "After": no half of an upgrade passes the check. Nothing runs here: the test says what Kubernetes and
// the operator would write.

const ROOT = join(import.meta.dirname, "../..");
const OLD = "registry.example.com:5000/wsproxy:1";
const NEW = "registry.example.com:5000/wsproxy@sha256:" + "0".repeat(64);
const DATAPLANE = { "app.kubernetes.io/name": "wsproxy", "app.kubernetes.io/component": "dataplane" };

let plane: ControlPlane;
let check: string;

/** Ends a command by bash; what it printed, and how it ended. */
function run(script: string, input = ""): { status: number | null; said: string } {
  const bin = execFileSync(join(ROOT, "test/apiserver/tools/build.sh"), ["--where"], { encoding: "utf8" }).trim();
  const env = { ...process.env, KUBECONFIG: plane.kubeconfig, PATH: `${bin}:${process.env["PATH"]}` };
  const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-euc", script], { env, input, encoding: "utf8" });
  return { status, said: stdout + stderr };
}

function must(script: string, input?: string): void {
  const { status, said } = run(script, input);
  if (status !== 0) throw new Error(`${script}: ${said}`);
}

function deploy(namespace: string, name: string, labels: object, image: string, args: readonly string[] = []): void {
  const template = { metadata: { labels: { name } }, spec: { containers: [{ name, image, args }] } };
  const spec = { replicas: 1, selector: { matchLabels: { name } }, template };
  const metadata = { name, namespace, labels };
  must("kubectl apply -f -", JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec }));
}

/** As the Deployment controller writes once all pods are of the newest template. */
function rolledOut(namespace: string, name: string): void {
  const get = `kubectl -n ${namespace} get deployment ${name} -o jsonpath={.metadata.generation}`;
  const counts = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  const status = { observedGeneration: Number(run(get).said), ...counts };
  const patch = JSON.stringify({ status });
  must(`kubectl -n ${namespace} patch deployment ${name} --subresource=status --type=merge -p '${patch}'`);
}

function programmed(status: "True" | "False", reason: string): void {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const condition = { type: "Programmed", status, reason, message: "m", observedGeneration: 1, lastTransitionTime };
  const patch = JSON.stringify({ status: { observedGeneration: 1, conditions: [condition] } });
  must(`kubectl -n demo patch wsp chat --subresource=status --type=merge -p '${patch}'`);
}

beforeAll(async () => {
  const [block = ""] = await shellBlocks("guides/upgrade.md#After");
  check = block.replaceAll(/--timeout=\w+/g, "--timeout=5s");
  plane = await ControlPlane.start();
  for (const namespace of ["wsproxy-system", "demo", "shop"]) must(`kubectl create namespace ${namespace}`);
  must(`kubectl apply -f ${ROOT}/crds; kubectl wait --for=condition=Established crd --all --timeout=30s`);
  must(`kubectl apply -f ${ROOT}/examples/quickstart/chat.yaml`);
  deploy("wsproxy-system", "wsproxy-operator", { "app.kubernetes.io/name": "wsproxy" }, NEW, [
    "operator",
    `--dataplane-image=${NEW}`,
    "--log-level=info",
  ]);
  deploy("demo", "wsproxy-chat", DATAPLANE, OLD);
  deploy("shop", "wsproxy-shop", DATAPLANE, NEW);
  rolledOut("demo", "wsproxy-chat");
  rolledOut("shop", "wsproxy-shop");
  programmed("True", "Programmed"); // still about the pods of before
});
afterAll(() => plane.stop());

test("the check after an upgrade fails at each state on the way, and passes at its end", () => {
  const fails = (words: string): void => {
    const { status, said } = run(check);
    expect([status, said]).toEqual([1, expect.stringContaining(words)]);
  };
  fails("observed"); // the operator's own pods
  rolledOut("wsproxy-system", "wsproxy-operator");
  fails("timed out waiting for the condition on deployments/wsproxy-chat"); // its template is not written yet
  deploy("demo", "wsproxy-chat", DATAPLANE, NEW);
  fails("observed"); // its pods are not there, and the condition says True all the same
  rolledOut("demo", "wsproxy-chat");
  programmed("False", "RolloutStuck");
  fails("timed out waiting for the condition on websocketproxies/chat");
  programmed("True", "Programmed");
  expect(run(check)).toMatchObject({ status: 0 });
});
