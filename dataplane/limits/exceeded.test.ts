import { expect, test } from "vitest";
import { exceedOf, type Exceed, type HitGroup, type LimitedClient, type Lines } from "./exceeded.ts";
import type { LimitAction } from "./limit-hits.ts";

function limitOf(lines: Lines, shadow: boolean) {
  const counted: unknown[] = [];
  const logged: object[] = [];
  const line = (fields: object, message: string): void => void logged.push({ message, ...fields });
  const exceed: Exceed = exceedOf(
    { policy: "messages", direction: "fromClient", per: "IP", action: "Drop" },
    {
      route: { name: "main" },
      shadow,
      log: { debug: line, info: line, warn: line, error: line },
      metrics: {
        limitHit:
          (...labels: [string, string, LimitAction, boolean]) =>
          () =>
            void counted.push(labels),
      },
    },
    lines,
  );
  return { counted, logged, exceed };
}

const client = (requestId: string): LimitedClient => ({ requestId, address: "192.0.2.1" });

test.each<[Lines, boolean, number]>([
  ["Shadow", true, 1],
  ["Shadow", false, 0],
  ["Always", true, 1],
  ["Always", false, 1],
])("lines %s, shadow %s: every hit is counted, three hits of one group have %d lines", (lines, shadow, written) => {
  const { counted, logged, exceed } = limitOf(lines, shadow);
  const group: HitGroup = { logged: false };
  const acts = [1, 2, 3].map(() => exceed(client("request-1"), group));
  expect(acts).toEqual(Array(3).fill(!shadow));
  expect(counted).toEqual([1, 2, 3].map(() => ["messages", "IP", "Drop", shadow]));
  expect(logged).toHaveLength(written);
});

test("another group of hits has a line of its own, which names the session where there is one", () => {
  const { logged, exceed } = limitOf("Always", false);
  exceed(client("request-1"), { logged: false });
  exceed({ ...client("request-2"), id: "session-2" }, { logged: false });
  const common = {
    ...{ address: "192.0.2.1", client: undefined },
    ...{ message: "limit exceeded", event: "LimitExceeded", route: "main", shadow: false },
    ...{ policy: "messages", direction: "fromClient", per: "IP", action: "Drop" },
  };
  expect(logged).toEqual([
    { ...common, session: undefined, requestId: "request-1" },
    { ...common, session: "session-2", requestId: "request-2" },
  ]);
});
