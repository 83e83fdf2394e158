import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CHART, helmBinary, objects, template } from "./helm.ts";

const ROOT = join(CHART, "../..");
const file = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly description?: string;
}

const CERT_MANAGER = ["--set", "webhook.certManager.enabled=true,webhook.certManager.issuerRef.name=ca"];
const values = parse(file("charts/wsproxy/values.yaml")) as Record<string, unknown>;
const schema = JSON.parse(file("charts/wsproxy/values.schema.json")) as Schema;

test("chart, app and program have one version", () => {
  const chart = parse(file("charts/wsproxy/Chart.yaml")) as Record<string, unknown>;
  const { version } = JSON.parse(file("package.json")) as { version: string };
  expect([chart["version"], chart["appVersion"]]).toEqual([version, version]);
});

test("the chart's CRD is that of crds/, and stays when the chart goes", () => {
  const path = "wsproxy.dev_websocketproxies.yaml";
  const ours = parse(file(`charts/wsproxy/files/crds/${path}`)) as { metadata: { annotations?: unknown } };
  expect(ours.metadata.annotations).toEqual({ "helm.sh/resource-policy": "keep" });
  delete ours.metadata.annotations;
  expect(ours).toEqual(parse(file(`crds/${path}`)));
});

test("the schema knows each value and no other, and lets no unknown key in anywhere", () => {
  const known = (node: Schema): unknown =>
    node.properties === undefined
      ? true
      : Object.fromEntries(Object.entries(node.properties).map(([name, field]) => [name, known(field)]));
  const all = { ...schema.properties };
  delete all["global"]; // Helm's own
  expect(shape(values, { properties: all })).toEqual(known({ properties: all }));
  const open: string[] = [];
  const look = (node: Schema, path: string): void => {
    // Parts of Kubernetes objects have no schema here: the API server checks them.
    const passed = node.description?.startsWith("As in Kubernetes") === true || path === ".global";
    if (node.type === "object" && node.additionalProperties === undefined && !passed) open.push(path);
    for (const [name, field] of Object.entries(node.properties ?? {})) look(field, `${path}.${name}`);
    if (node.items !== undefined) look(node.items, `${path}[]`);
  };
  look(schema, "");
  expect(open).toEqual([]);
});

/** Paths of the keys of values, as deep as the schema describes them. */
function shape(value: unknown, node: Schema | undefined): unknown {
  if (node?.properties === undefined) return true;
  const known = { ...node.properties };
  // Optional in Kubernetes, and unset here.
  delete known["claims"];
  const entries = Object.entries(value as Record<string, unknown>).map(([name, field]) => [
    name,
    shape(field, known[name]),
  ]);
  const claims = node.properties["claims"];
  return Object.fromEntries([...entries, ...(claims === undefined ? [] : [["claims", true]])]);
}

/** Bad values, and the path that the refusal must name. */
const refused: Readonly<Record<string, readonly [args: readonly string[], at: string]>> = {
  "a key that is not there": [["--set", "replica=3"], "'replica' not allowed"],
  "a key that is not there, deep": [["--set", "monitoring.dashboard.enable=true"], "'enable' not allowed"],
  "a key of another chart in resources": [["--set", "resources.request.cpu=1"], "'request' not allowed"],
  "a text for a number": [["--set-string", "replicas=two"], "/replicas"],
  "a number below zero": [["--set", "replicas=-1"], "/replicas"],
  "a text for a switch": [["--set-string", "crds.install=no"], "/crds/install"],
  "a pull policy that Kubernetes does not know": [["--set", "image.pullPolicy=Sometimes"], "/image/pullPolicy"],
  "a digest in the repository": [["--set", "image.repository=a@sha256:00"], "/image/repository"],
  "a digest that is none": [["--set", "image.digest=sha256:xyz"], "/image/digest"],
  "a tag with a slash": [["--set", "image.tag=a/b"], "/image/tag"],
  "a namespace in capitals": [["--set", "watchNamespaces={Demo}"], "/watchNamespaces/0"],
  "a namespace that would break out of its line": [["--set-json", 'watchNamespaces=["a,--x"]'], "/watchNamespaces/0"],
  "a namespace twice": [["--set", "watchNamespaces={a,a}"], "/watchNamespaces"],
  "one namespace that is no list": [["--set", "watchNamespaces=demo"], "/watchNamespaces"],
  "a pull secret that is no object": [["--set", "imagePullSecrets={a}"], "/imagePullSecrets/0"],
  "a label that Kubernetes would not take": [["--set", "pod.labels.a=b c"], "/pod/labels/a"],
  "an annotation that is a number": [["--set", "pod.annotations.a=1"], "/pod/annotations/a"],
  "an interval without unit": [["--set-string", "monitoring.interval=30"], "/monitoring/interval"],
  "an address that is no block": [
    ["--set", "networkPolicy.apiServerCIDRs={10.0.0.1}"],
    "/networkPolicy/apiServerCIDRs/0",
  ],
  "no port to the API server": [["--set-json", "networkPolicy.apiServerPorts=[]"], "/networkPolicy/apiServerPorts"],
  "monitoring without namespaces that scrape": [
    ["--set", "monitoring.enabled=true"],
    "monitoring.namespaces is required",
  ],
  "a certificate without an issuer": [
    ["--set", "webhook.certManager.enabled=true"],
    "/webhook/certManager/issuerRef/name",
  ],
  "no reference to an issuer": [
    ["--set-json", 'webhook={"certManager":{"enabled":true,"issuerRef":null}}'],
    "missing property 'issuerRef'",
  ],
  "an issuer's group with a space": [["--set", "webhook.certManager.issuerRef.group=a b"], "/issuerRef/group"],
  "a lifetime in days": [["--set", "webhook.certManager.duration=90d"], "/webhook/certManager/duration"],
  "a policy of the webhook": [["--set", "webhook.failurePolicy=Ignore"], "'failurePolicy' not allowed"],
  "a name with which a Service cannot begin": [["--set", "fullnameOverride=1a"], "/fullnameOverride"],
  "no name for an account that exists": [["--set", "serviceAccount.create=false"], "serviceAccount.name is required"],
};

describe.skipIf(helmBinary() === undefined)("Helm (skipped where it is not installed)", () => {
  test.each(Object.entries(refused))("refuses %s, and says where it stands", (_what, [args, at]) => {
    expect(() => template(args)).toThrow(at);
  });

  test("refuses a Kubernetes that is too old", () => {
    expect(() => template(["--kube-version", "1.29.9"])).toThrow("requires kubeVersion: >=1.30");
  });

  const LARGE = ["--set", "crds.install=false,monitoring.enabled=true,monitoring.namespaces={a}"];

  test.each(["wsproxy", "prod", `a${"-long".repeat(10)}b`, "1.x", `a${"bcdefghi.".repeat(5)}j`])(
    "keeps names of the release %s in Kubernetes' bounds",
    (name) => {
      const all = objects(template([...LARGE, ...CERT_MANAGER], { name, namespace: "n".repeat(63) }));
      expect(all.length).toBeGreaterThan(10);
      for (const { kind, metadata } of all) {
        const label = kind === "Service" ? /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/ : /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
        const parts = metadata.namespace === undefined ? metadata.name.split(".") : [metadata.name];
        for (const part of parts) expect([kind, part]).toEqual([kind, expect.stringMatching(label)]);
        expect(parts.length).toBeLessThan(3);
      }
    },
  );

  test("gives releases of one name in two namespaces, which watch others, no object in common", () => {
    const names = (namespace: string): string[] =>
      objects(template([...LARGE, "--set", `watchNamespaces={${namespace}-a}`], { namespace })).map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`,
      );
    const others = new Set(names("two"));
    expect(names("one").filter((name) => others.has(name))).toEqual([]);
  });
});
