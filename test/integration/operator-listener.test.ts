import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { keyPair } from "../fakes/certificates.ts";
import { OperatorBench, keys, proxy, putAll } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { until } from "../fakes/sockets.ts";

const SHAPE = ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"] as const;

/** Everything of the gateway but its data. */
const shape = ({ server }: OperatorBench) => SHAPE.map((kind) => server.get(kind, "demo", "wsproxy-chat"));

const observed = async (bench: OperatorBench, generation: number): Promise<void> => {
  await until("it is observed", () => bench.status()?.observedGeneration === generation);
  await bench.quiet();
};

function edit(bench: OperatorBench, spec: Record<string, unknown>): void {
  bench.server.put({ ...bench.server.get("WebSocketProxy", "demo", "chat"), ...proxy("chat", spec) });
}

async function tlsSecret(name: string) {
  const { certificate, privateKey } = await keyPair();
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "demo" },
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(certificate), "tls.key": base64(privateKey) },
  };
}

const service = ({ server }: OperatorBench): unknown => {
  const spec = server.get("Service", "demo", "wsproxy-chat")?.["spec"] as {
    readonly type: string;
    readonly ports: readonly { readonly port: number; readonly appProtocol: string }[];
  };
  return `${spec.type} ${spec.ports[0]?.port} ${spec.ports[0]?.appProtocol}`;
};

const container = ({ server }: OperatorBench): string =>
  JSON.stringify(server.get("Deployment", "demo", "wsproxy-chat")?.["spec"]);

const MISTYPED = {
  listener: { tls: { secretName: "chat-tsl" }, port: 9443 },
  gateway: { service: { type: "LoadBalancer", port: 443 } },
};

describe("TLS with a mistyped Secret", () => {
  test("leaves Service, pods and NetworkPolicy as they are, over a restart of the operator; the corrected name moves all", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.server.put(await tlsSecret("chat-tls"));
    const first = bench.operator();
    await observed(bench, 1);
    const before = shape(bench);

    edit(bench, { listener: { tls: { secretName: "chat-tsl" } } });
    await observed(bench, 2);
    expect(bench.condition("Accepted")).toBe("True Accepted");
    expect(bench.condition("ResolvedRefs")).toBe("False SecretNotFound");
    expect(shape(bench)).toEqual(before);

    edit(bench, MISTYPED);
    await observed(bench, 3);
    expect(service(bench)).toBe("ClusterIP 80 kubernetes.io/ws");
    expect(container(bench)).toContain('"--listener-port","8080"');

    await first.stop();
    bench.server.delete("Service", "demo", "wsproxy-chat");
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    bench.operator();
    await until("the Service is back", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
    await bench.quiet();
    expect(service(bench)).toBe("ClusterIP 80 kubernetes.io/ws");
    expect(container(bench)).toContain('"--listener-port","8080"');

    edit(bench, { listener: { tls: { secretName: "chat-tls" } } });
    await until("the certificate is found", () => bench.condition("ResolvedRefs") === "True ResolvedRefs");
    await bench.quiet();
    expect(service(bench)).toBe("ClusterIP 443 kubernetes.io/wss");
    expect(container(bench)).toContain('"--listener-port","8443"');
  });

  test("of a new proxy gives a Service for wss and no plain listener", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.server.put(proxy("chat", { listener: { tls: { secretName: "chat-tsl" } } }));
    bench.operator();
    await until("it has a status", () => bench.condition("ResolvedRefs") === "False SecretNotFound");
    await bench.quiet();
    expect(service(bench)).toBe("ClusterIP 443 kubernetes.io/wss");
    expect(container(bench)).toContain('"--listener-port","8443"');
  });
});

test("while the config cannot be written the Service stays with the listener that pods have", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.server.put(await tlsSecret("chat-tls"));
  bench.operator();
  await observed(bench, 1);
  const refused = {
    status: 403,
    body: JSON.stringify({ kind: "Status", status: "Failure", code: 403, reason: "Forbidden", message: "no" }),
  };
  bench.server.fail(({ method, path }) => method === "PATCH" && path.endsWith("-config-0"), refused, 1000);
  edit(bench, { listener: { tls: { secretName: "chat-tls" } } });
  await until("it is refused", () => bench.condition("Programmed") === "False NotApplied");
  expect(service(bench)).toBe("ClusterIP 80 kubernetes.io/ws");
});

describe("an edit that switches TLS on", () => {
  const WSS = { listener: { tls: { secretName: "chat-tls" } } };

  async function served(behaviour: Parameters<OperatorBench["pods"]["add"]>[2] = {}, clock: Clock = systemClock) {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.server.put(await tlsSecret("chat-tls"));
    const operator = bench.operator({ clock });
    await observed(bench, 1);
    const pod = await bench.pods.add("chat", "pod-0", behaviour);
    await until("it is ready", () => bench.condition("Programmed") === "True Programmed");
    await bench.quiet();
    return { bench, operator, pod };
  }

  test("and that the pods refuse leaves the Service, over a restart and later edits; it moves when the pods take it", async () => {
    const { bench, operator, pod } = await served();
    pod.refuses = true;
    bench.edit(WSS);
    await until("it is refused", () => bench.condition("Programmed") === "False ConfigRejected");
    await bench.quiet();
    expect(service(bench)).toBe("ClusterIP 80 kubernetes.io/ws");

    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await bench.quiet();
    bench.edit({ ...WSS, policies: { deny: { clients: ["bob"] } } });
    await observed(bench, 3);
    await operator.stop();
    bench.operator();
    bench.server.put(keys({ bob: "bobs-quite-own-key-3" }));
    await bench.quiet();
    expect(bench.condition("Programmed")).toBe("False ConfigRejected");
    expect(service(bench)).toBe("ClusterIP 80 kubernetes.io/ws");

    pod.refuses = false;
    bench.server.put(keys({ bob: "bobs-quite-own-key-4" }));
    await until("it moves", () => service(bench) === "ClusterIP 443 kubernetes.io/wss");
  });

  test("moves the Service when the pods serve it, and not before", async () => {
    const { bench, pod } = await served({ lag: 600 });
    const before = pod.report().proxies[0]?.hash;
    bench.edit(WSS);
    await until("it moves", () => service(bench) !== "ClusterIP 80 kubernetes.io/ws");
    expect(service(bench)).toBe("ClusterIP 443 kubernetes.io/wss");
    expect(pod.report().proxies[0]?.hash).not.toBe(before);
  });

  test("waits ten seconds only for a pod that does not take it and does not refuse it", async () => {
    const { bench } = await served({ misses: 1000 }, quickClock(20));
    bench.edit(WSS);
    await until("the pod is behind", () => bench.condition("Programmed") === "False RollingOut");
    await until("it moves", () => service(bench) === "ClusterIP 443 kubernetes.io/wss");
  });
});
