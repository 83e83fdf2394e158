import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { parse, stringify } from "yaml";
import { helmBinary } from "../chart/helm.ts";
import { eventually } from "./operator-bench.ts";
import { ScaledProxy } from "./scaled-proxy.ts";

const GUIDE = readFileSync(join(import.meta.dirname, "../../docs/guides/autoscaling.md"), "utf8");
const BLOCKS = [...GUIDE.matchAll(/```yaml\n([^]*?)```/g)].map(
  ([, text = ""]) => parse(text) as Record<string, unknown>,
);
const COMMANDS = [...GUIDE.matchAll(/```sh\n([^]*?)```/g)].map(([, text = ""]) => text.trim());

function kubectl(input: string, ...args: readonly string[]): string {
  const file = (helmBinary() ?? "").replace(/helm$/, "kubectl"); // built beside it
  const { status, stdout, stderr } = spawnSync(file, ["--kubeconfig", inject("kubeconfig"), ...args], {
    input,
    encoding: "utf8",
  });
  return `${status} ${stdout}${stderr}`.trim();
}

describe("manifests of the guide to autoscaling", () => {
  beforeAll(() => {
    kubectl("", "apply", "-f", join(import.meta.dirname, "keda-crds.yaml"));
    kubectl("", "wait", "--for=condition=Established", "crd/scaledobjects.keda.sh", "--timeout=30s");
  });

  const tried = (manifest: Record<string, unknown>): string => {
    const object = { ...manifest, metadata: { ...(manifest["metadata"] as object), namespace: "default" } };
    return kubectl(stringify(object), "create", "--dry-run=server", "--validate=strict", "-f", "-");
  };

  test("are what the API server takes, each variant of the autoscaler too", () => {
    const whole = BLOCKS.filter((block) => block["apiVersion"] !== undefined);
    expect(whole.map(({ kind }) => kind)).toEqual(["HorizontalPodAutoscaler", "ScaledObject"]);
    for (const manifest of whole) expect(tried(manifest)).toMatch(/^0 .*created/);
    const [autoscaler] = whole;
    const parts = BLOCKS.filter((block) => "scaleTargetRef" in block || "metrics" in block);
    expect(parts).toHaveLength(2);
    for (const part of parts) {
      expect(tried({ ...autoscaler, spec: { ...(autoscaler?.["spec"] as object), ...part } })).toMatch(/^0 .*created/);
    }
  });

  test("would be refused with a mistake", () => {
    for (const manifest of BLOCKS.filter((block) => block["apiVersion"] !== undefined)) {
      const spec = { ...(manifest["spec"] as object), scaleTarget: {} };
      expect(tried({ ...manifest, spec })).toMatch(/^1 .*unknown field "spec.scaleTarget"/s);
    }
  });
});

describe("commands of the guide to autoscaling", () => {
  test("set a start number, which an autoscaler can then read, and take it out", async () => {
    const it = await ScaledProxy.make();
    it.operator();
    await it.spec({});
    await it.has(2);
    const [remove = "", scale = ""] = COMMANDS;
    const run = (command: string): string =>
      kubectl("", ...words(command.replace("kubectl ", "").replace("namespace demo", `namespace ${it.namespace}`)));
    const get = (): string =>
      kubectl(
        "",
        "get",
        "--namespace",
        it.namespace,
        "wsp/chat",
        "--subresource=scale",
        "-o",
        "jsonpath={.spec.replicas}",
      );
    expect(get()).toContain('the spec replicas field ".spec.gateway.replicas" does not exist');
    expect(run(scale)).toMatch(/^0 .*scaled/);
    expect(get()).toBe("0 2");
    await it.spec({}); // as a manifest that never had the number
    expect(get()).toBe("0 2");
    expect(run(scale.replace("=2", "=3"))).toMatch(/^0 .*scaled/);
    await it.has(3);
    expect(run(scale.replace("=2", "=1001"))).toMatch(/^1 .*less than or equal to 1000/);
    expect(run(scale.replace("=2", "=0"))).toMatch(/^0 .*scaled/);
    await it.has(0);
    expect(run(remove)).toMatch(/^0 .*patched/);
    expect(get()).toContain("does not exist");
    await it.autoscaler(4);
    await it.has(4);
  });

  test("work on a WebSocketProxy without gateway, and its scale shows which pods are counted", async () => {
    const it = await ScaledProxy.make();
    it.operator();
    await it.spec(undefined);
    await eventually("it has a status", async () => (await it.proxy()).status !== undefined);
    const at = ["--namespace", it.namespace, "wsp/chat"];
    expect(kubectl("", "scale", ...at, "--replicas=5")).toMatch(/^0 .*scaled/);
    await it.has(5);
    expect(kubectl("", "get", ...at, "--subresource=scale", "-o", "jsonpath={.status.selector}")).toBe(
      "0 app.kubernetes.io/component=dataplane,wsproxy.dev/proxy=wsproxy-chat",
    );
  });
});

/** The words of a command of the guide, single quotes taken away. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain);
}
