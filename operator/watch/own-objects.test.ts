import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { OwnObjects } from "./own-objects.ts";
import type { Pod } from "./pod.ts";

function podOf(resourceVersion: string, ready: boolean): Pod {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  const metadata = { name: "chat-0", namespace: "demo", resourceVersion };
  return { apiVersion: "v1", kind: "Pod", metadata, status: { phase: "Running", conditions } };
}

/** Is a change from one object to another news, after the API server answered a write with the latter? */
function isNews(kind: "Pod" | "Secret", now: KubeObject, before?: KubeObject): boolean {
  const own = new OwnObjects({ get: () => undefined, ofProxy: () => [] }, new FakeClock());
  own.wrote(kind, now);
  return own.isNews(kind, now, before);
}

test("the echo of a write is no news", () => {
  const secret = (resourceVersion: string) => ({ kind: "Secret", metadata: { name: "a", resourceVersion } });
  expect(isNews("Secret", secret("1"))).toBe(false);
  expect(isNews("Secret", secret("2"), secret("1"))).toBe(false);
  expect(isNews("Pod", podOf("2", true), podOf("1", true))).toBe(false);
});

test("a pod that became ready before our write is news, also when a new list shows both at once", () => {
  expect(isNews("Pod", podOf("3", true), podOf("1", false))).toBe(true);
});
