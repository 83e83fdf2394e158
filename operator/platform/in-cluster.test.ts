import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Config } from "../../api/config.ts";
import { backendManifest, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { decode, resourcesOf, type ProxyObject } from "../gather/decode.ts";
import { packer } from "./packer.ts";
import { packedConfig } from "../render/packed.ts";
import { sidecarIn, sidecarRecord } from "../render/sidecar-record.ts";
import { inCluster } from "./in-cluster.ts";
import { tools } from "./tools.ts";
import type { TranslateOptions } from "../translate/resources.ts";
import { finished } from "../translate/steps.ts";
import { translate } from "../translate/translate.ts";
import type { Translation } from "../translate/translation.ts";

function translated(manifests: readonly string[], previous?: Config, options = inCluster): Translation {
  const documents = manifests.flatMap((text) => parseAllDocuments(text).map((it): unknown => it.toJS()));
  const objects = documents.flatMap((it) => [...decode(it).objects]);
  const proxy = objects.find(({ kind }) => kind === "WebSocketProxy") as ProxyObject;
  return translate(resourcesOf(proxy, objects), previous, tools, options);
}

const accepted = ({ status }: Translation) => status.conditions.find(({ type }) => type === "Accepted");
const clients = (config: Config | undefined): unknown =>
  config?.policies.authentication?.[0]?.apiKey?.keys.map(({ client }) => client);
const BACKEND = backendManifest(9000);
const KEYS = { alice: "alices-own-key-0001", bob: "bobs-quite-own-key-2" };

test("a config that fits no objects is not accepted, and a key that is removed ends all the same", () => {
  const before = translated([proxyManifest(), BACKEND, keysManifest(KEYS)]);
  expect(clients(before.config)).toEqual(["alice", "bob"]);
  const tooLarge: TranslateOptions = {
    ...inCluster,
    *excess() {
      yield;
      return "is too large; divide it";
    },
  };
  const after = translated([proxyManifest(), BACKEND, keysManifest({ bob: KEYS.bob })], before.config, tooLarge);
  expect(accepted(after)).toMatchObject({
    status: "False",
    reason: "TooLarge",
    message: "spec: is too large; divide it",
  });
  expect(after.infra).toBeUndefined();
  expect(clients(after.config)).toEqual(["bob"]);
});

test("what does not compress is too large from so many bytes on, and says what to do", () => {
  const config = translated([proxyManifest(), BACKEND]).config as Config;
  const sized = (bytes: number): Config => ({
    ...config,
    listener: {
      ...config.listener,
      tls: { keyPair: { certificate: randomBytes(bytes).toString("base64"), privateKey: "key" } },
    },
  });
  const excess = (bytes: number): string | undefined => inCluster.excess && finished(inCluster.excess(sized(bytes)));
  expect(excess(3_400_000)).toBeUndefined();
  expect(excess(3_700_000)).toMatch(/more than 3\.6 MB.*divide the routes/);
});

test("10,000 API keys and 1,000 routes fit two objects", () => {
  const keys = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, at) => [`client-${at}`, `key-of-client-${at}-0001`]),
  );
  const routes = Array.from(
    { length: 999 },
    (_, at) => `- name: route-${at}
  hostnames: [host-${at}.example.com]
  path: { value: /path/${at} }
  backends: [{ service: echo, port: 80 }]
  policies: { authentication: { apiKey: { secretSelector: { matchLabels: { keys: chat } } } } }
`,
  ).join("");
  const { config, endpoints, status } = translated([proxyManifest({ routes }), BACKEND, keysManifest(keys)]);
  expect(status.problems).toEqual([]);
  const packed = finished(packedConfig(config as Config, endpoints, packer));
  expect(packed.excess).toBeUndefined();
  expect("config" in packed && packed.config.parts.length).toBeLessThanOrEqual(2);
});

test("what pods of mode Sidecar get has a bound, and up to it the record can be read again", () => {
  const name = (at: number): string => `${"d".repeat(60)}.example/${String(at).padStart(60, "n")}`;
  const shapes = Array.from({ length: 120 }, (_, length) => {
    const names = [...Array.from({ length: 59 }, (_one, at) => name(at)), `${"d".repeat(length + 1)}/n`];
    const resources = JSON.stringify({ limits: Object.fromEntries(names.map((it) => [it, 1])) });
    const text = proxyManifest({
      port: 65_535,
      spec: "mode: Sidecar\nsidecar: { selector: { matchLabels: { app: chat } } }",
    }).replace("drain: { period: 100ms }", `drain: { period: ${LONGEST_PERIOD} }, resources: ${resources}`);
    return translated([text, BACKEND, keysManifest(KEYS)]).sidecar;
  });
  const fit = shapes.filter((shape) => shape !== undefined);
  expect(fit.length).toBeGreaterThan(10);
  expect(fit.length).toBeLessThan(119);
  for (const shape of fit) expect(sidecarIn(sidecarRecord(shape))).toEqual(shape);
});

const LONGEST_PERIOD = "999999999.999999999h999999999.9999999ms";

const isInvalid = ({ reason }: { readonly reason: string }): boolean => reason === "Invalid";

test.each([
  ["a listener", proxyManifest({ port: 9090 }), "spec.listener.port"],
  [
    "a backend on the pod itself",
    proxyManifest({ spec: "mode: Sidecar\nsidecar: { selector: { matchLabels: { app: chat } } }" }).replace(
      "{ service: echo, port: 80 }",
      "{ port: 9090 }",
    ),
    "spec.routes[0].backends[0].port",
  ],
])("%s cannot have the port of the pod's own", (_what, manifest, at) => {
  const { status } = translated([manifest, BACKEND, keysManifest(KEYS)]);
  expect(status.problems.filter(isInvalid)).toMatchObject([{ at }]);
  const { status: outside } = translated([manifest, BACKEND, keysManifest(KEYS)], undefined, { externalNames: true });
  expect(outside.problems.filter(isInvalid)).toEqual([]);
});
