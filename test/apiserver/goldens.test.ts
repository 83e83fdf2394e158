import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { decode, resourcesOf, type KubernetesObject, type ProxyObject } from "../../operator/gather/decode.ts";
import { packer } from "../../operator/platform/packer.ts";
import { render } from "../../operator/render/render.ts";
import { inCluster } from "../../operator/platform/in-cluster.ts";
import { tools } from "../../operator/platform/tools.ts";
import { readProxy } from "../../operator/translate/read-proxy.ts";
import { finished } from "../../operator/translate/steps.ts";
import { translate } from "../../operator/translate/translate.ts";
import { ADMIN_TOKEN, SETTINGS } from "../fakes/golden-case.ts";
import { DryRun } from "./dry-run.ts";

// Sends every WebSocketProxy of the golden folders and the examples to a real API server.

const ROOT = join(import.meta.dirname, "../..");
const proxies = ["test/golden", "examples"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /(^|\/)(?!config\.yaml|statuses\.yaml|surroundings\.yaml|manifests\.yaml)[^/]+\.yaml$/.test(file))
    .sort()
    .flatMap((file) => proxiesIn(join(folder, file))),
);

let dryRun: DryRun;

beforeAll(async () => {
  dryRun = await DryRun.open();
});
afterAll(() => dryRun.close());

test.each(proxies)("$name is judged alike, and its defaults change nothing", async ({ proxy, objects }) => {
  const manifest = proxy.manifest as { readonly metadata: object; readonly spec?: unknown };
  const { problems, routes } = finished(readProxy(manifest));
  const wrong = [...problems, ...routes.flatMap((route) => route.problems)].map(({ at }) => at);
  const inNamespace = { ...manifest, metadata: { ...manifest.metadata, namespace: dryRun.namespace } };
  const { status, answer, text } = await dryRun.create(inNamespace);
  if (wrong.length > 0) {
    expect(status).toBeGreaterThanOrEqual(400);
    // The API server reports unknown fields first; a second call without them gives the other mistakes.
    const all = `${text}\n${(await dryRun.create(inNamespace, "Ignore")).text}`;
    expect({ all, named: wrong.filter((at) => all.includes(at)) }).not.toEqual({ all, named: [] });
    return;
  }
  expect({ status, text }).toEqual({ status: 201, text: "" });
  const stored = { ...manifest, spec: answer.spec };
  expect(written(proxy, stored, objects)).toBe(written(proxy, manifest, objects));
});

test("there are proxies of both sorts", () => {
  expect(proxies.length).toBeGreaterThan(50);
});

/** Everything that the operator would write, as text. */
function written(proxy: ProxyObject, manifest: object, objects: readonly KubernetesObject[]): string {
  const translation = translate(resourcesOf({ ...proxy, manifest }, objects), undefined, tools, inCluster);
  const owner = { namespace: proxy.namespace, name: proxy.name, uid: "uid" };
  const { config, endpoints, status } = translation;
  return JSON.stringify(
    [config, endpoints, status, render(owner, { ...translation, adminToken: ADMIN_TOKEN }, SETTINGS, packer)],
    null,
    1,
  );
}

function proxiesIn(file: string) {
  const documents = parseAllDocuments(readFileSync(join(ROOT, file), "utf8")).map((it): unknown => it.toJS());
  const objects = documents.flatMap((manifest) => [...decode(manifest).objects]);
  return objects.flatMap((proxy) =>
    proxy.kind === "WebSocketProxy" ? [{ name: `${file} ${proxy.name}`, proxy, objects }] : [],
  );
}
