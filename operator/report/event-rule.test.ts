import { expect, test } from "vitest";
import { eventTypeOf, type Standing } from "./event-rule.ts";

const standing = (type: string, reason: string, holds: boolean): Standing => ({
  type,
  status: holds ? "True" : "False",
  reason,
  message: "",
  observedGeneration: 1,
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

test.each([
  ["the proxy has no pods any more", 0, "Normal"],
  ["its injected pods serve, and none is ready", 2, "Warning"],
])("when Ready becomes False while Programmed is True, and %s, the Event fits that", (_, replicas, type) => {
  const now = standing("Ready", "NoReadyPods", false);
  const status = { conditions: [standing("Programmed", "Programmed", true), now], dataplane: { replicas } };
  expect(eventTypeOf(now, standing("Ready", "Ready", true), status)).toBe(type);
});
