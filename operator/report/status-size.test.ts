import { expect, test } from "vitest";
import { status as schema, type WebSocketProxyStatus } from "../../api/status.ts";
import { formsOf } from "./status-size.ts";

const lastTransitionTime = "2026-11-01T12:00:00Z";

/** A status of so many routes, some of which are not accepted. */
function statusWith(routes: number): WebSocketProxyStatus {
  const message = "w".repeat(1024);
  return {
    observedGeneration: 3,
    conditions: [{ type: "Accepted", status: "True", reason: "PartiallyAccepted", message, lastTransitionTime }],
    acceptedRoutes: `1/${routes}`,
    routes: Array.from({ length: routes }, (_, at) => ({
      name: `route-${at}`,
      conditions: [
        {
          type: "Accepted",
          status: at % 100 === 7 ? "False" : "True",
          reason: at % 100 === 7 ? "Invalid" : "Accepted",
          message,
          lastTransitionTime,
        },
        { type: "ResolvedRefs", status: "True", reason: "ResolvedRefs", message, lastTransitionTime },
      ],
    })),
  };
}

test("as many routes as there may be still fit into the resource, with what is wrong with them", () => {
  const [brief] = formsOf(statusWith(1024));
  expect(schema.parse(brief)).toEqual(brief);
  expect(JSON.stringify(brief).length).toBeLessThan(400_000);
  const [accepted] = brief.routes?.[7]?.conditions ?? [];
  expect(accepted).toMatchObject({ status: "False", reason: "Invalid", message: `${"w".repeat(99)}…` });
});

test("a few routes are told in full, and each shorter form is a status too", () => {
  const status = statusWith(8);
  const [whole, brief, without, ...more] = formsOf(status);
  expect(whole).toEqual(status);
  expect(brief?.routes?.map(({ conditions }) => conditions?.[1]?.message)).toEqual(Array(8).fill(""));
  expect(without).not.toHaveProperty("routes");
  expect({ ...without, routes: status.routes }).toStrictEqual(status);
  expect(more).toEqual([]);
  for (const form of [brief, without]) expect(schema.parse(form)).toEqual(form);
});

test("without routes there is one form", () => {
  const status = statusWith(0);
  expect(formsOf(status)).toEqual([status]);
});
