import { expect, test } from "vitest";
import type { Pod } from "./pod.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { podsOf } from "./own-pods.ts";

type Reference = NonNullable<KubeObject["metadata"]["ownerReferences"]>[number];

const OWNER = { uid: "proxy-uid" };
const reference = (kind: string, uid: string, more: Partial<Reference> = {}): Reference => ({
  kind,
  uid,
  name: "wsproxy-chat",
  controller: true,
  ...more,
});
const object = (uid: string, ...ownerReferences: Reference[]): Pod => ({
  metadata: { name: uid, namespace: "demo", uid, ownerReferences },
});

const DEPLOYMENT = object("deployment-uid", reference("WebSocketProxy", "proxy-uid"));
const REPLICA_SET = object("set-uid", reference("Deployment", "deployment-uid"));
const POD = object("pod-uid", reference("ReplicaSet", "set-uid"));

const own = (deployment: KubeObject | undefined, sets: readonly KubeObject[], pod: Pod): boolean =>
  podsOf(OWNER, deployment, sets, [pod]).own.length === 1;

test("a pod is the proxy's own where proxy, Deployment, ReplicaSet and pod are linked by uid", () => {
  expect(podsOf(OWNER, DEPLOYMENT, [REPLICA_SET], [POD])).toEqual({ own: [POD], strangers: [] });
  const old = object("old-set", reference("Deployment", "deployment-uid"));
  const other = object("pod-2", reference("ReplicaSet", "old-set"));
  expect(podsOf(OWNER, DEPLOYMENT, [REPLICA_SET, old], [POD, other]).own).toEqual([POD, other]);
});

test("the newest shape is that of the highest revision, not of the youngest ReplicaSet", () => {
  const set = (uid: string, revision: string | undefined, deployment = "deployment-uid"): KubeObject => {
    const { metadata } = object(uid, reference("Deployment", deployment));
    const annotations = revision === undefined ? {} : { "deployment.kubernetes.io/revision": revision };
    return { metadata: { ...metadata, annotations } };
  };
  const newest = (...sets: KubeObject[]) => podsOf(OWNER, DEPLOYMENT, sets, []).newest;
  expect(newest(set("rolled-back-to", "10"), set("younger", "9"))).toEqual({ uid: "rolled-back-to", revision: 10 });
  expect(newest(set("ours", "1"), set("foreign", "99", "another"))).toEqual({ uid: "ours", revision: 1 });
  for (const odd of [undefined, "", "x", "-1", "1.5", "1e99"]) expect(newest(set("odd", odd))).toBeUndefined();
});

test.each<[what: string, deployment: KubeObject | undefined, sets: readonly KubeObject[], pod: Pod]>([
  ["a pod with labels alone", DEPLOYMENT, [REPLICA_SET], object("pod-uid")],
  ["one of a ReplicaSet that is not there", DEPLOYMENT, [], POD],
  ["one of a ReplicaSet of the same name", DEPLOYMENT, [REPLICA_SET], object("pod-uid", reference("ReplicaSet", "x"))],
  [
    "one that names the ReplicaSet and is controlled by another object",
    DEPLOYMENT,
    [REPLICA_SET],
    object("pod-uid", reference("ReplicaSet", "set-uid", { controller: false }), reference("StatefulSet", "x")),
  ],
  ["one of another kind of object with that uid", DEPLOYMENT, [REPLICA_SET], object("p", reference("Job", "set-uid"))],
  ["one of a ReplicaSet with labels alone", DEPLOYMENT, [object("set-uid")], POD],
  ["one of another Deployment's", DEPLOYMENT, [object("set-uid", reference("Deployment", "another"))], POD],
  ["one of a Deployment that is gone", undefined, [REPLICA_SET], POD],
  ["one of a Deployment with our name", object("deployment-uid"), [REPLICA_SET], POD],
  [
    "one of an earlier proxy's Deployment",
    object("deployment-uid", reference("WebSocketProxy", "earlier")),
    [REPLICA_SET],
    POD,
  ],
  ["one without a uid in its references", DEPLOYMENT, [REPLICA_SET], object("p", reference("ReplicaSet", ""))],
])("%s is a stranger", (_, deployment, sets, pod) => {
  expect(own(deployment, sets, pod)).toBe(false);
  expect(podsOf(OWNER, deployment, sets, [pod]).strangers).toEqual([pod]);
});
