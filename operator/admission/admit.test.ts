import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cached, reviewOf, SHAPE, Webhook } from "../../test/fakes/admitted.ts";
import { patchOf } from "../../test/fakes/json-patch.ts";

const webhook = new Webhook();

interface Pod {
  readonly metadata: { readonly labels?: unknown; readonly annotations?: Record<string, unknown> };
  readonly spec: Record<string, unknown>;
}

const LABELS = { app: "chat", "wsproxy.dev/inject": "chat" };
const podOf = (spec: object = {}, metadata: object = {}): Pod => ({
  metadata: { labels: LABELS, ...metadata },
  spec: { containers: [{ name: "app", image: "chat:1" }], ...spec },
});
const containersOf = (pod: Pod, list: string): Record<string, unknown>[] =>
  (pod.spec[list] ?? []) as Record<string, unknown>[];
const admitted = (pod: Pod): Pod => {
  const result = webhook.admitted(pod);
  if (typeof result === "string") throw new Error(result);
  return result;
};
const namesOf = (pod: Pod, list: string): unknown[] => containersOf(pod, list).map(({ name }) => name);

describe("a review", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a text", "AdmissionReview"],
    ["a list", [reviewOf(podOf())]],
    ["another kind", { ...reviewOf(podOf()), kind: "ConversionReview" }],
    ["an earlier version", { ...reviewOf(podOf()), apiVersion: "admission.k8s.io/v1beta1" }],
    ["a review without a request", { ...reviewOf(podOf()), request: undefined }],
    ["a request without a uid", reviewOf(podOf(), { uid: undefined })],
    ["a request with a uid that is longer than any", reviewOf(podOf(), { uid: "x".repeat(254) })],
    ["a request without a resource", reviewOf(podOf(), { resource: null })],
  ])("that is %s has no answer", (_, review) => {
    expect(webhook.answer(review)).toBeUndefined();
  });

  test.each<[string, object]>([
    ["the update of a pod", { operation: "UPDATE" }],
    ["the deletion of a pod", { operation: "DELETE", object: null }],
    ["a debug container", { operation: "UPDATE", subResource: "ephemeralcontainers" }],
    ["a binding", { subResource: "binding" }],
    ["a Deployment", { resource: { group: "apps", version: "v1", resource: "deployments" } }],
    ["pods of another group", { resource: { group: "metrics.k8s.io", version: "v1beta1", resource: "pods" } }],
  ])("of %s is answered, and nothing is changed", (_, request) => {
    const review = reviewOf(podOf(), request) as { request: { uid: string } };
    expect(webhook.answer(review)).toEqual({ uid: review.request.uid, allowed: true });
  });

  test("gets the uid of its request, and a patch with its type", () => {
    const answer = webhook.answer(reviewOf(podOf(), { uid: "abc" }));
    expect(answer).toMatchObject({ uid: "abc", allowed: true, patchType: "JSONPatch" });
    expect(answer).not.toHaveProperty("status");
  });

  test("whose pod is refused gets 403 Forbidden, from which kubectl makes the best sentence", () => {
    const { status, ...rest } = webhook.answer(reviewOf(podOf({ hostNetwork: true }), { uid: "abc" })) ?? {};
    expect(rest).toEqual({ uid: "abc", allowed: false });
    expect(status).toMatchObject({ code: 403, reason: "Forbidden" });
  });
});

describe("a pod that no API server sends", () => {
  test.each<[string, unknown]>([
    ["no object", undefined],
    ["null", null],
    ["a list", []],
    ["no metadata", { spec: {} }],
    ["no spec", { metadata: { labels: LABELS } }],
    ["labels that are a text", podOf({}, { labels: "app" })],
    ["a label that is a number", podOf({}, { labels: { ...LABELS, "wsproxy.dev/inject": 1 } })],
    ["annotations that are a list", podOf({}, { annotations: [] })],
    ["containers that are an object", podOf({ containers: {} })],
    ["a container that is null", podOf({ containers: [null] })],
    ["init containers that are a text", podOf({ initContainers: "none" })],
    ["volumes that are a number", podOf({ volumes: 1 })],
    ["ports that are a text", podOf({ containers: [{ name: "app", ports: "8080" }] })],
    ["a port that is a text", podOf({ containers: [{ name: "app", ports: [{ containerPort: "8080" }] }] })],
    ["a lifecycle that is a list", podOf({ containers: [{ name: "app", lifecycle: [] }] })],
    ["mounts that are an object", podOf({ containers: [{ name: "app", volumeMounts: {} }] })],
    ["hostNetwork as a text", podOf({ hostNetwork: "true" })],
    ["a grace period that is a text", podOf({ terminationGracePeriodSeconds: "30" })],
    ["an os that is a text", podOf({ os: "windows" })],
  ])("with %s is refused, and the sentence says where it is wrong", (_, object) => {
    const answer = webhook.answer(reviewOf(object));
    expect(answer?.allowed).toBe(false);
    expect(answer?.status?.message).toMatch(/^the pod cannot be read: \S.* (is|must) /);
  });

  test.each(["metadata", "labels", "spec", "container"])("with __proto__ in %s is answered like any other", (where) => {
    const text = JSON.stringify(podOf({}, { annotations: {} }));
    const proto = '"__proto__":{"wsproxy.dev/inject":"other","hostNetwork":true,"lifecycle":{"preStop":{}}},';
    const at = { metadata: '{"labels', labels: '{"app', spec: '{"containers', container: '{"name' }[where] ?? "";
    const pod = JSON.parse(text.replace(at, `{${proto}${at.slice(1)}`)) as Pod;
    expect(text).toContain(at);
    const result = webhook.answer(reviewOf(pod));
    if (where === "labels") expect(result?.allowed).toBeTypeOf("boolean");
    else
      expect(patchOf(result ?? { uid: "", allowed: false })).toEqual(patchOf(answerOf(podOf({}, { annotations: {} }))));
  });

  test("with any JSON in any place does not make it throw, and no such pod gets in without the gateway", () => {
    const places = [
      ["metadata"],
      ["metadata", "labels"],
      ["metadata", "annotations"],
      ["spec"],
      ["spec", "containers"],
      ["spec", "initContainers"],
      ["spec", "volumes"],
      ["spec", "containers", "0", "ports"],
      ["spec", "containers", "0", "lifecycle"],
      ["spec", "initContainers", "0", "volumeMounts"],
      ["spec", "initContainers", "0", "resources"],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (place, value) => {
        const pod = structuredClone(admitted(podOf()));
        const last = place.at(-1) ?? "";
        const parent = place.slice(0, -1).reduce<object>((at, step) => at[step as never], pod);
        Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
        const result = webhook.admitted(pod);
        if (typeof result === "string") expect(result.length).toBeLessThan(700);
        else if (isLabelled(pod)) expect(namesOf(result, "initContainers").at(-1)).toBe("wsproxy");
        else expect(result).toEqual(pod);
      }),
      { numRuns: 500 },
    );
  });

  const many = <T>(make: (at: number) => T): T[] => Array.from({ length: 10_000 }, (_, at) => make(at));

  test("with ten thousand containers, volumes and ports is answered in time", () => {
    const pod = podOf({
      containers: many((at) => ({ name: `c-${at}`, lifecycle: { preStop: { sleep: { seconds: 1 } } } })),
      initContainers: many((at) => ({ name: `i-${at}`, ports: [{ containerPort: 10_000 + at }] })),
      volumes: many((at) => ({ name: at === 0 ? "wsproxy-config" : `wsproxy-config-${at + 1}` })),
    });
    const began = performance.now();
    const result = admitted(pod);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(namesOf(result, "volumes").at(-2)).toBe("wsproxy-config-10001");
    // The names of sixteen are enough for a status.
    expect(String(result.metadata.annotations?.["wsproxy.dev/own-prestop"]).split(",")).toHaveLength(16);
  });

  test("with ten thousand containers that imitate ours is answered in time, and has one of ours", () => {
    const pod = podOf({
      containers: many((at) => ({ name: `c-${at}`, lifecycle: { preStop: { httpGet: { path: "/", port: at } } } })),
      initContainers: many((at) => ({
        name: "wsproxy",
        restartPolicy: "Always",
        ports: [{ name: "wsproxy-admin", containerPort: at }],
        volumeMounts: [{ name: `wsproxy-config-${at + 1}`, mountPath: "/etc/wsproxy/config" }],
      })),
      volumes: many((at) => ({ name: `wsproxy-config-${at + 1}` })),
    });
    const began = performance.now();
    const answer = answerOf(pod);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(patchOf(answer).filter(({ op, path }) => op === "add" && path.startsWith("/spec/init"))).toHaveLength(1);
    expect(namesOf(admitted(pod), "initContainers")).toEqual(["wsproxy"]);
  });
});

function isLabelled({ metadata: { labels } }: Pod): boolean {
  return typeof labels === "object" && labels !== null && Object.hasOwn(labels, "wsproxy.dev/inject");
}

function answerOf(pod: Pod) {
  return webhook.answer(reviewOf(pod)) ?? { uid: "", allowed: false };
}

describe("a refusal", () => {
  test("is one line of bounded length, whatever names are in it", () => {
    const name = `${"x".repeat(5000)}\n\u202e"`;
    const port = [{ name: "wsproxy", containerPort: 8080 }];
    const pods = [
      podOf({ containers: [{ name, ports: port }] }),
      podOf({ containers: [{ name, ports: [{ containerPort: 8080 }] }] }),
      podOf({ containers: [{ name, ports: [{ containerPort: 9090 }] }] }),
      podOf({}, { annotations: { "wsproxy.dev/admin-port": name } }),
      podOf({}, { labels: { "wsproxy.dev/inject": name } }),
      podOf({}, { labels: { [name]: 1 } }),
      podOf({ containers: [{ name, ports: [{ containerPort: name }] }] }),
    ];
    for (const pod of pods) {
      const message = webhook.admitted(pod);
      if (typeof message !== "string") throw new Error("it was let in");
      expect(message.length).toBeLessThan(700);
      expect(message).not.toMatch(/[\n\u202e]/);
    }
  });

  test("names three of the labels that the pod lacks", () => {
    const matchLabels = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`l${at}`, "v".repeat(63)]));
    const strict = new Webhook(cached("chat", { ...SHAPE, selector: { matchLabels } }));
    expect(strict.admitted(podOf())).toMatch(/"l2=v{63}" and 61 more, or change/);
  });
});

describe("any pod", () => {
  const text = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  const handler = fc.constantFrom({ exec: { command: ["true"] } }, { httpGet: { path: "/drained", port: 3000 } });
  const container = fc.record(
    {
      name: text,
      image: fc.string(),
      restartPolicy: fc.constantFrom("Always", undefined),
      lifecycle: fc.oneof(fc.constant(null), fc.record({ preStop: handler, postStart: handler }, { requiredKeys: [] })),
      ports: fc.array(fc.record({ containerPort: fc.integer({ min: 1, max: 8000 }), name: text }), { maxLength: 3 }),
      volumeMounts: fc.array(fc.record({ name: volumeName(), mountPath: mountPath() }), { maxLength: 3 }),
      "example.com/unknown": fc.jsonValue(),
    },
    { requiredKeys: ["name"] },
  );
  const spec = fc.record(
    {
      containers: fc.array(container, { minLength: 1, maxLength: 4 }),
      initContainers: fc.oneof(fc.constant(null), fc.array(container, { maxLength: 4 })),
      volumes: fc.oneof(fc.constant(null), fc.array(fc.record({ name: volumeName(), emptyDir: fc.constant({}) }))),
      restartPolicy: fc.constantFrom("Always", "OnFailure", "Never"),
      terminationGracePeriodSeconds: fc.integer({ min: 0, max: 100_000 }),
      securityContext: fc.dictionary(text, fc.jsonValue()),
      "example.com/unknown": fc.jsonValue(),
    },
    { requiredKeys: ["containers"] },
  );
  const annotations = fc.option(fc.dictionary(fc.string(), fc.string()), { nil: undefined });
  const pod = fc
    .record({ spec, annotations })
    .map(({ spec: one, annotations: some }) => JSON.parse(JSON.stringify(podOf(one, { annotations: some }))) as Pod);

  test("that went through comes out the same when it goes through again", () => {
    fc.assert(
      fc.property(pod, (one) => {
        const once = admitted(one);
        expect(patchOf(answerOf(once))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("keeps every field of its own, and its containers their order", () => {
    fc.assert(
      fc.property(pod, (one) => {
        const result = admitted(one);
        const { containers, initContainers, volumes, terminationGracePeriodSeconds, ...rest } = result.spec;
        for (const [key, value] of Object.entries(rest)) expect(value).toEqual(one.spec[key]);
        expect((containers as Pod["spec"][]).map(withoutHook)).toEqual(
          containersOf(one, "containers").map(withoutHook),
        );
        expect((initContainers as object[]).slice(0, -1)).toEqual(one.spec["initContainers"] ?? []);
        expect((volumes as object[]).slice(0, -2)).toEqual(one.spec["volumes"] ?? []);
        const { terminationGracePeriodSeconds: own = 30 } = one.spec;
        expect(terminationGracePeriodSeconds).toBe((own as number) + 45);
        expect(result.metadata.annotations).toMatchObject(one.metadata.annotations ?? {});
      }),
      { numRuns: 500 },
    );
  });

  test("to which another webhook adds containers gets them their hooks, and its own container stays the last", () => {
    fc.assert(
      fc.property(
        pod,
        fc.array(container, { maxLength: 3 }),
        fc.array(container, { maxLength: 3 }),
        (one, init, main) => {
          const once = structuredClone(admitted(one));
          const added = JSON.parse(JSON.stringify([init, main])) as [object[], object[]];
          containersOf(once, "initContainers").push(...(added[0] as Pod["spec"][]));
          containersOf(once, "containers").push(...(added[1] as Pod["spec"][]));
          const twice = admitted(once);
          const first = admitted(podOfBoth(one, added));
          expect(namesOf(twice, "initContainers")).toEqual(namesOf(first, "initContainers"));
          expect(containersOf(twice, "containers")).toEqual(containersOf(first, "containers"));
          expect(twice.spec["terminationGracePeriodSeconds"]).toBe(first.spec["terminationGracePeriodSeconds"]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function podOfBoth(pod: Pod, [init, main]: readonly [object[], object[]]): Pod {
  const { initContainers, containers } = pod.spec as { initContainers?: object[] | null; containers: object[] };
  const spec = {
    ...pod.spec,
    initContainers: [...(initContainers ?? []), ...init],
    containers: [...containers, ...main],
  };
  return { ...pod, spec };
}

/** A container without its preStop hook if that is ours. */
function withoutHook({ lifecycle, ...rest }: Record<string, unknown>): object {
  const { preStop, ...others } = { ...(lifecycle as { preStop?: { httpGet?: { port: number } } } | null) };
  const own = preStop?.httpGet?.port === 9090 ? undefined : preStop;
  return { ...rest, ...(own === undefined ? {} : { preStop: own }), others };
}

function volumeName() {
  return fc.constantFrom("data", "wsproxy-config", "wsproxy-config-2", "wsproxy-none", "wsproxy-none-3");
}

function mountPath() {
  return fc.constantFrom("/data", "/etc/wsproxy/config", "/var/run/secrets/kubernetes.io/serviceaccount");
}
