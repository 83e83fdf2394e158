import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { patchOf } from "../../test/fakes/json-patch.ts";
import { answerOf, letIn, listOf, namesIn, podOf, type AnyPod } from "../../test/fakes/labelled-pod.ts";

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
    .map(({ spec: one, annotations: some }) => JSON.parse(JSON.stringify(podOf(one, { annotations: some }))) as AnyPod);

  test("that went through comes out the same when it goes through again", () => {
    fc.assert(
      fc.property(pod, (one) => {
        const once = letIn(one);
        expect(patchOf(answerOf(once))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("keeps every field of its own, and its containers their order", () => {
    fc.assert(
      fc.property(pod, (one) => {
        const result = letIn(one);
        const { containers, initContainers, volumes, terminationGracePeriodSeconds, ...rest } = result.spec;
        for (const [key, value] of Object.entries(rest)) expect(value).toEqual(one.spec[key]);
        expect((containers as AnyPod["spec"][]).map(withoutHook)).toEqual(listOf(one, "containers").map(withoutHook));
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
          const once = structuredClone(letIn(one));
          const added = JSON.parse(JSON.stringify([init, main])) as [object[], object[]];
          listOf(once, "initContainers").push(...(added[0] as AnyPod["spec"][]));
          listOf(once, "containers").push(...(added[1] as AnyPod["spec"][]));
          const twice = letIn(once);
          const first = letIn(podOfBoth(one, added));
          expect(namesIn(twice, "initContainers")).toEqual(namesIn(first, "initContainers"));
          expect(listOf(twice, "containers")).toEqual(listOf(first, "containers"));
          expect(twice.spec["terminationGracePeriodSeconds"]).toBe(first.spec["terminationGracePeriodSeconds"]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test.each([9_223_372_036_854_775_807n, 1_000_000_001n])("a grace period of %d s stays as it was written", (seconds) => {
  // The longest one that Kubernetes takes has no exact number in JavaScript.
  const text = JSON.stringify(podOf({ terminationGracePeriodSeconds: 0 })).replace(":0", `:${seconds}`);
  const paths = patchOf(answerOf(JSON.parse(text))).map(({ path }) => path);
  expect(paths).toContain("/spec/initContainers");
  expect(paths.filter((path) => path.includes("terminationGracePeriodSeconds"))).toEqual([]);
});

function podOfBoth(pod: AnyPod, [init, main]: readonly [object[], object[]]): AnyPod {
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
