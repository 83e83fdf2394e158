import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Webhook } from "../../test/fakes/admitted.ts";
import { patchOf } from "../../test/fakes/json-patch.ts";
import { answerOf, LABELS, letIn, namesIn, podOf, type AnyPod } from "../../test/fakes/labelled-pod.ts";
import { leastTime } from "../../test/fakes/least-time.ts";

const webhook = new Webhook();

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
  ])("W7 with %s is refused, and the sentence says where it is wrong", (_, object) => {
    const answer = answerOf(object);
    expect(answer.allowed).toBe(false);
    expect(answer.status?.message).toMatch(/^the pod cannot be read: \S.* (is|must) /);
  });

  test.each(["metadata", "labels", "spec", "container"])(
    "W7 with __proto__ in %s is answered like any other",
    (where) => {
      const text = JSON.stringify(podOf({}, { annotations: {} }));
      const proto = '"__proto__":{"wsproxy.dev/inject":"other","hostNetwork":true,"lifecycle":{"preStop":{}}},';
      const at = { metadata: '{"labels', labels: '{"app', spec: '{"containers', container: '{"name' }[where] ?? "";
      const pod = JSON.parse(text.replace(at, `{${proto}${at.slice(1)}`)) as AnyPod;
      expect(text).toContain(at);
      const result = answerOf(pod);
      if (where === "labels") expect(result.allowed).toBeTypeOf("boolean");
      else expect(patchOf(result)).toEqual(patchOf(answerOf(podOf({}, { annotations: {} }))));
    },
  );

  test("W7 with any JSON in any place does not make it throw, and no such pod gets in without the gateway", () => {
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
        const pod = structuredClone(letIn(podOf()));
        const last = place.at(-1) ?? "";
        const parent = place.slice(0, -1).reduce<object>((at, step) => at[step as never], pod);
        Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
        const result = webhook.admitted(pod);
        if (typeof result === "string") expect(result.length).toBeLessThan(700);
        else if (isLabelled(pod)) expect(namesIn(result, "initContainers").at(-1)).toBe("wsproxy");
        else expect(result).toEqual(pod);
      }),
      { numRuns: 500 },
    );
  });

  const many = <T>(make: (at: number) => T, length = 1000): T[] => Array.from({ length }, (_, at) => make(at));

  test("W8 with a thousand containers, and ten thousand volumes and ports, is answered in time", () => {
    const pod = podOf({
      containers: many((at) => ({ name: `c-${at}`, lifecycle: { preStop: { sleep: { seconds: 1 } } } })),
      initContainers: many((at) => ({ name: `i-${at}`, ports: many((n) => ({ containerPort: 10_000 + n }), 10) })),
      volumes: many((at) => ({ name: at === 0 ? "wsproxy-config" : `wsproxy-config-${at + 1}` }), 10_000),
    });
    expect(leastTime(() => answerOf(pod), 3)).toBeLessThan(1000);
    const result = letIn(pod);
    expect(namesIn(result, "volumes").at(-2)).toBe("wsproxy-config-10001");
    // The names of sixteen are enough for a status.
    expect(String(result.metadata.annotations?.["wsproxy.dev/own-prestop"]).split(",")).toHaveLength(16);
  });

  test("T1 with a thousand containers that imitate ours is answered in time, and has one of ours", () => {
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
    expect(leastTime(() => answerOf(pod), 3)).toBeLessThan(1000);
    expect(patchOf(answerOf(pod)).filter(({ op, path }) => op === "add" && path.startsWith("/spec/init"))).toHaveLength(
      1,
    );
    expect(namesIn(letIn(pod), "initContainers")).toEqual(["wsproxy"]);
  });

  test.each(["containers", "initContainers"])(
    "W8 with more than a thousand %s is refused before they are read",
    (list) => {
      const words = `the pod cannot be read: spec.${list} must have at most 1000 items`;
      expect(webhook.admitted(podOf({ [list]: many(() => 1, 1001) }))).toBe(words);
      expect(webhook.admitted(podOf({ [list]: many((at) => ({ name: `c-${at}` })) }))).not.toBe(words);
    },
  );

  test.each<[string, AnyPod, string]>([
    [
      "ports",
      podOf({ containers: [{ name: "app", ports: many(() => null, 200_000) }] }),
      "spec.containers[0].ports[0]",
    ],
    ["volumes", podOf({ volumes: many(() => ({ name: 1 }), 140_000) }), "spec.volumes[0].name"],
    ["labels", podOf({}, { labels: Object.fromEntries(many((at) => [`l${at}`, at], 100_000)) }), "metadata.labels.l0"],
    [
      "containers",
      podOf({ containers: many(() => ({ volumeMounts: many(() => 1, 250) })) }),
      "spec.containers[0].volumeMounts[0]",
    ],
  ])("W8 with a crowd of wrong %s is told of the first, as soon as of one", (_, pod, at) => {
    expect(webhook.admitted(pod)).toContain(`the pod cannot be read: ${at} must be a`);
    // Of hundreds of thousands of mistakes, each with its words, one second and more.
    expect(leastTime(() => answerOf(pod), 3)).toBeLessThan(150);
  });
});

function isLabelled({ metadata: { labels } }: AnyPod): boolean {
  return typeof labels === "object" && labels !== null && Object.hasOwn(labels, "wsproxy.dev/inject");
}
