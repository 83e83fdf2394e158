import { describe, expect, test } from "vitest";
import { cached, reviewOf, SHAPE, Webhook } from "../../test/fakes/admitted.ts";
import { podOf } from "../../test/fakes/labelled-pod.ts";

const webhook = new Webhook();

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
