import { expect, test } from "vitest";
import { cached, NAMESPACE, SHAPE, Webhook } from "../../test/fakes/admitted.ts";
import type { KubeObject } from "../kube/kinds.ts";

type Change = (object: KubeObject) => KubeObject | undefined;

/** The standing of the proxy `chat` when the cache has something else in place of an object. */
function standing(kind: "WebSocketProxy" | "Secret", change: Change, shape: typeof SHAPE | undefined = SHAPE) {
  const objects = [...cached("chat", shape)].flatMap(([key, object]) => {
    const now = key.startsWith(kind) ? change(object) : object;
    return now === undefined ? [] : [[key, now] as const];
  });
  return new Webhook(new Map(objects)).standing(NAMESPACE, "chat");
}

const metadata =
  (more: object): Change =>
  (object) => ({ ...object, metadata: { ...object.metadata, ...more } });

const recording = (more: object): Change =>
  metadata({ annotations: { "wsproxy.dev/sidecar": JSON.stringify({ ...SHAPE, ...more }) } });

test("a proxy of mode Sidecar with a config in force gives names and shape as they were recorded", () => {
  const found = standing("Secret", (object) => object);
  expect(found).toMatchObject({ kind: "Sidecar", names: { base: "wsproxy-chat" }, shape: SHAPE });
  expect(new Webhook().standing("other", "chat")).toEqual({ kind: "Missing" });
  expect(new Webhook().standing(NAMESPACE, "__proto__")).toEqual({ kind: "Missing" });
});

test.each<[string, "WebSocketProxy" | "Secret", Change, string]>([
  ["that is not there", "WebSocketProxy", () => undefined, "Missing"],
  ["that is being deleted", "WebSocketProxy", metadata({ deletionTimestamp: "2026-01-01T00:00:00Z" }), "Missing"],
  ["without a config Secret", "Secret", () => undefined, "NotInForce"],
  ["made again under its name", "WebSocketProxy", metadata({ uid: "uid-2" }), "NotInForce"],
  ["whose config Secret has no owner", "Secret", metadata({ ownerReferences: [] }), "NotInForce"],
  ["whose config Secret has no record", "Secret", metadata({ annotations: {} }), "Gateway"],
  [
    "whose record another writer changed",
    "Secret",
    metadata({ annotations: { "wsproxy.dev/sidecar": '{"selector":{}}' } }),
    "NotInForce",
  ],
  ["whose recorded drain period is none", "Secret", recording({ drainPeriod: "soon" }), "NotInForce"],
  ["whose recorded drain takes no time", "Secret", recording({ drainPeriod: "0s" }), "NotInForce"],
  ["whose recorded port is none", "Secret", recording({ listenerPort: 65_536 }), "NotInForce"],
  ["whose record is no JSON", "Secret", metadata({ annotations: { "wsproxy.dev/sidecar": "{" } }), "NotInForce"],
])("of a proxy %s no pod gets a container", (_, kind, change, expected) => {
  expect(standing(kind, change)).toEqual({ kind: expected });
});

test("a proxy whose config is of mode Gateway says so", () => {
  const objects = cached("chat", undefined);
  expect(new Webhook(objects).standing(NAMESPACE, "chat")).toEqual({ kind: "Gateway" });
});
