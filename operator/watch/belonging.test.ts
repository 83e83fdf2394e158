import { expect, test } from "vitest";
import { belongsTo, isOf } from "./belonging.ts";

const OWNER = { name: "chat", uid: "now" };
const reference = { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: "chat", uid: "now" };

test.each<[string, object | undefined, boolean, boolean]>([
  ["this proxy", reference, true, true],
  ["this proxy, in a later version of the API", { ...reference, apiVersion: "wsproxy.dev/v2" }, true, true],
  ["an earlier proxy of its name", { ...reference, uid: "before" }, true, false],
  ["another proxy", { ...reference, name: "other", uid: "other" }, false, false],
  ["an object of another kind and the same name", { ...reference, kind: "Deployment", uid: "other" }, false, false],
  ["a WebSocketProxy of another group", { ...reference, apiVersion: "other.dev/v1", uid: "other" }, false, false],
  ["nothing, whatever its labels say", undefined, false, false],
])("an object that belongs to %s", (_, owner, belongs, is) => {
  const labels = { "app.kubernetes.io/managed-by": "wsproxy-operator", "wsproxy.dev/proxy": "wsproxy-chat" };
  const metadata = { name: "wsproxy-chat", labels, ...(owner === undefined ? {} : { ownerReferences: [owner] }) };
  const object = { metadata } as Parameters<typeof isOf>[1];
  expect([belongsTo(OWNER, object), isOf(OWNER, object)]).toEqual([belongs, is]);
});
