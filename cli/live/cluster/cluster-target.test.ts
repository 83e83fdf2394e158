import { expect, onTestFinished, test } from "vitest";
import { sessionPage } from "../../../api/admin-pages.ts";
import { namesOf } from "../../../operator/render/names.ts";
import { hashOf } from "../../../runtime/packed-text.ts";
import { ProxyCluster } from "../../../test/fakes/proxy-cluster.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { askAll } from "../ask-all.ts";
import { ask } from "../ask.ts";
import { LiveFailure } from "../live-failure.ts";
import type { Place } from "../target.ts";
import type { TypedTarget } from "../target-options.ts";
import { clusterTarget, type ClusterTarget } from "./cluster-target.ts";

const STAYS = new AbortController().signal;

function typed(cluster: ProxyCluster, more: Partial<TypedTarget> = {}): TypedTarget & { in: "cluster" } {
  const { proxy, kubeconfig } = cluster;
  const target = { in: "cluster", proxy, kubeconfig, namespace: undefined, context: undefined, ...more };
  return target as TypedTarget & { in: "cluster" };
}

async function opened(cluster: ProxyCluster): Promise<ClusterTarget> {
  const target = await clusterTarget(typed(cluster), STAYS);
  onTestFinished(() => target.close());
  return target;
}

const sessionsOf = (place: Place): Promise<unknown> => ask(place, { path: "/sessions" }, sessionPage, STAYS);

/** What a command would say and end with. */
async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  if (!(error instanceof LiveFailure)) throw new Error("no failure came", { cause: error });
  expect(error.message).not.toMatch(/the-token|of-the-api/);
  return `${error.exit} ${error.kind}: ${error.message}`;
}

test("a long name and one with dots lead to the proxy's own Secret and pods", async () => {
  for (const name of ["chat.example.com", "a".repeat(63), "operator"]) {
    const cluster = await ProxyCluster.start(name);
    await cluster.pod("pod-1");
    const target = await opened(cluster);
    expect((await target.places(STAYS)).map((place) => place.name)).toEqual(["pod-1"]);
    expect(cluster.api.calls.map(({ path }) => path)).toContain(
      `/api/v1/namespaces/demo/secrets/${namesOf(name, hashOf).admin}`,
    );
  }
});

test("a proxy that is not there, and one without its Secret, are told apart", async () => {
  const cluster = await ProxyCluster.start();
  expect(await failure(clusterTarget(typed(cluster, { proxy: "chta" }), STAYS))).toBe(
    '1 NoProxy: there is no WebSocketProxy chta in namespace demo; "kubectl get wsp -A" lists all',
  );
  cluster.api.put({
    apiVersion: "wsproxy.dev/v1alpha1",
    kind: "WebSocketProxy",
    metadata: { name: "fresh", namespace: "demo" },
  });
  expect(await failure(clusterTarget(typed(cluster, { proxy: "fresh" }), STAYS))).toBe(
    "69 NoPods: the operator has not made the Secret wsproxy-fresh-admin of demo/fresh yet; does it run?",
  );
  cluster.api.fail("GET /apis/wsproxy.dev", { status: 403, reason: "Forbidden" });
  expect(await failure(clusterTarget(typed(cluster, { proxy: "chta" }), STAYS))).toBe(
    '1 NoProxy: there is no WebSocketProxy chta in namespace demo, for there is no Secret wsproxy-chta-admin; "kubectl get wsp -A" lists all',
  );
});

test("no pods, and pods that do not run yet, are told apart", async () => {
  const cluster = await ProxyCluster.start();
  const target = await opened(cluster);
  expect(await failure(target.places(STAYS))).toBe(
    '69 NoPods: demo/chat has no pods; "kubectl -n demo describe wsp chat" says why',
  );
  await cluster.pod("chat-a", [], { status: { phase: "Pending" } });
  expect(await failure(target.places(STAYS))).toBe(
    "69 NoPods: no pod of demo/chat is ready to be asked: chat-a is Pending",
  );
});

test("a pod that only has the labels gets neither a question nor the token", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a");
  const labels = { "app.kubernetes.io/component": "dataplane", "wsproxy.dev/proxy": "wsproxy-chat" };
  cluster.put("stranger", labels, { metadata: { name: "stranger", namespace: "demo", labels } });
  cluster.put("other", { "wsproxy.dev/injected": "wsproxy-chat" });
  const target = await opened(cluster);
  expect((await target.places(STAYS)).map((place) => place.name)).toEqual(["chat-a"]);
});

test("each missing right is named: the Secret, pods, port-forward", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a");
  const forbidden = { status: 403, reason: "Forbidden" };
  cluster.api.fail("GET /api/v1/namespaces/demo/secrets", forbidden);
  expect(await failure(clusterTarget(typed(cluster), STAYS))).toBe(
    '77 NoRight: your account lacks a right in namespace demo: "get" on secrets (the one named wsproxy-chat-admin)',
  );
  const target = await opened(cluster);
  cluster.api.fail("GET /api/v1/namespaces/demo/pods", forbidden);
  expect(await failure(target.places(STAYS))).toBe(
    '77 NoRight: your account lacks a right in namespace demo: "list" on pods',
  );
  cluster.forwards.refuse = 403;
  expect(await failure(askAll(target, sessionsOf, STAYS))).toBe(
    '77 NoRight: your account lacks a right in namespace demo: "get" and "create" on pods/portforward',
  );
  cluster.api.fail("GET /api/v1/namespaces/demo/secrets", { status: 401, reason: "Unauthorized" });
  expect(await failure(clusterTarget(typed(cluster), STAYS))).toBe(
    "77 NoRight: the API server does not accept the credentials of the kubeconfig; log in again",
  );
});

test("an API server that is away, and a kubeconfig that cannot be used, are told in a sentence", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.api.down();
  expect(await failure(clusterTarget(typed(cluster), STAYS))).toMatch(
    /^69 Unreachable: the API server cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
  );
  expect(await failure(clusterTarget(typed(cluster, { context: "away" }), STAYS))).toMatch(
    /^69 NoTarget: --kubeconfig \S+ has no context "away"; "kubectl config get-contexts" lists them$/,
  );
  expect(await failure(clusterTarget(typed(cluster, { kubeconfig: "/nowhere" }), STAYS))).toBe(
    "69 NoTarget: --kubeconfig /nowhere does not exist, or you may not read it",
  );
  expect(await failure(clusterTarget(typed(cluster, { kubeconfig: "package.json" }), STAYS))).toMatch(/^69 NoTarget: /);
});

test("a pod of an earlier version, a wrong token, a closed port and no HTTP are told in a sentence each", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const target = await opened(cluster);
  pod.old = true;
  const closing = (place: Place): Promise<unknown> =>
    ask(place, { method: "POST", path: "/sessions/close" }, sessionPage, STAYS);
  expect(await failure(askAll(target, closing, STAYS))).toBe(
    "1 Old: chat-a does not know /sessions/close: its gateway is of an earlier version; update it",
  );
  pod.answer = (_call, response) => response.writeHead(400).end("client\u001b[1m is given twice\n") !== undefined;
  expect(await failure(askAll(target, sessionsOf, STAYS))).toBe(
    "1 Refused: chat-a answers 400: client\ufffd[1m is given twice",
  );
  pod.answer = (_call, response) => response.end('{"sessions":[{"id":7}]}') !== undefined;
  expect(await failure(askAll(target, sessionsOf, STAYS))).toBe(
    "69 Nonsense: what chat-a answers is not from the admin port of wsproxy, or is too long",
  );
  pod.answer = (_call, response) => {
    response.write("x".repeat(9_000_000));
    return true;
  };
  expect(await failure(askAll(target, sessionsOf, STAYS))).toMatch(/^69 Nonsense: .* too long$/);
  pod.answer = undefined;
  pod.token = "another";
  expect(await failure(askAll(target, sessionsOf, STAYS))).toMatch(
    /^77 WrongToken: the pod chat-a does not take the token of the Secret wsproxy-chat-admin; /,
  );
  cluster.forwards.ports.set("demo/chat-a:9090", undefined);
  expect(await failure(askAll(target, sessionsOf, STAYS))).toMatch(
    /^69 Unreachable: no process listens on the admin port of chat-a; is it ready\?$/,
  );
  cluster.forwards.refuse = 500;
  expect(await failure(askAll(target, sessionsOf, STAYS))).toBe(
    "69 Unreachable: the API server does not reach the pod chat-a (500); is it ready?",
  );
  await until("every port-forward is closed", () => cluster.forwards.open === 0);
});

test("a token that was replaced is read anew", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const target = await opened(cluster);
  const [place] = await target.places(STAYS);
  if (place === undefined) throw new Error("no pod");
  pod.token = "the-next";
  const data = { token: Buffer.from("the-next").toString("base64") };
  cluster.api.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "wsproxy-chat-admin", namespace: "demo" },
    data,
  });
  await until("the pod is asked with the new token", () =>
    sessionsOf(place).then(
      () => true,
      () => false,
    ),
  );
});

test("a pod that ends while it is asked is no failure", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a");
  const pod = await cluster.pod("chat-b");
  pod.answer = () => {
    cluster.remove("chat-b");
    return true;
  };
  const target = await opened(cluster);
  const { answers, failures } = await askAll(target, sessionsOf, STAYS);
  expect(answers.map(({ place }) => place.name)).toEqual(["chat-a"]);
  expect(failures).toEqual([]);
});

test("where the last pod ends while it is asked, there are no pods", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  pod.answer = () => {
    cluster.remove("chat-a");
    return true;
  };
  expect(await failure(askAll(await opened(cluster), sessionsOf, STAYS))).toMatch(
    /^69 NoPods: demo\/chat has no pods;/,
  );
});

test("a pod that is being deleted is asked, and it is no failure that it does not answer", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a", [{ id: "a1", route: "main" }]);
  const leaving = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  for (const name of ["chat-b", "chat-c"]) {
    await cluster.pod(name, [{ id: name, route: "main" }]);
    const found = cluster.api.get("Pod", "demo", name);
    if (found !== undefined) cluster.api.put({ ...found, metadata: { ...found.metadata, ...leaving } });
  }
  cluster.forwards.ports.set("demo/chat-c:9090", undefined);
  const { answers, failures } = await askAll(await opened(cluster), sessionsOf, STAYS);
  expect(answers.map(({ place }) => place.name)).toEqual(["chat-a", "chat-b"]);
  expect(failures).toEqual([]);
});

test("many pods are asked, a few at a time", async () => {
  const cluster = await ProxyCluster.start();
  let [now, most] = [0, 0];
  const pod = await cluster.pod("chat-00");
  for (let index = 1; index < 60; index += 1) {
    await cluster.pod(`chat-${String(index).padStart(2, "0")}`);
    cluster.forwards.ports.set(`demo/chat-${String(index).padStart(2, "0")}:9090`, pod.port);
  }
  pod.answer = (_call, response) => {
    now += 1;
    most = Math.max(most, now);
    setTimeout(() => {
      now -= 1;
      response.writeHead(200, { "content-type": "application/json" }).end('{"sessions":[]}');
    }, 5);
    return true;
  };
  const target = await opened(cluster);
  expect((await askAll(target, sessionsOf, STAYS)).answers).toHaveLength(60);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(16);
});
