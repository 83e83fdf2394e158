import { expect, test } from "vitest";
import { factsIn } from "./proxy-facts.ts";

test("limits that all clients share: those of a route replace those of the spec, and of the proxy's the lowest counts", () => {
  const usual = [
    { per: "Client", limit: 5 },
    { per: "Route", limit: 100 },
    { per: "Proxy", limit: 8000 },
  ];
  const own = [
    { per: "Proxy", limit: 50 },
    { per: "Route", limit: 9 },
  ];
  const routes = [{ name: "main" }, { name: "own", policies: { connections: own } }];
  expect(factsIn({ spec: { policies: { connections: usual }, routes } }).limits).toEqual([
    { route: "main", limit: 100 },
    { route: undefined, limit: 50 },
    { route: "own", limit: 9 },
  ]);
});

test("a Service of several routes is there once for each port; a backend of the pod itself has none", () => {
  const backend = (service: string | undefined, port: unknown): object => ({ service, port });
  const routes = [
    { name: "a", backends: [backend("echo", 80), backend("echo", "ws")] },
    { name: "b", backends: [backend("echo", 80), backend(undefined, 9000)] },
  ];
  expect(factsIn({ spec: { routes } }).backends).toEqual([
    { service: "echo", port: "80", routes: ["a", "b"] },
    { service: "echo", port: "ws", routes: ["a"] },
  ]);
});

test("routes of which a condition is not True are told of, twenty at most, and conditions are in their order", () => {
  const conditions = ["Ready", "Newer", "Programmed", "Accepted"].map((type) => ({ type, status: "True" }));
  const routes = Array.from({ length: 50 }, (_, index) => ({
    name: `r${index}`,
    conditions: [{ type: "Accepted", status: index % 2 === 0 ? "False" : "True" }],
  }));
  const facts = factsIn({ status: { conditions, routes } });
  expect(facts.conditions.map(({ type }) => type)).toEqual(["Accepted", "Programmed", "Ready", "Newer"]);
  expect(facts.routes).toHaveLength(20);
  expect(facts.routes[1]?.name).toBe("r2");
});

test.each([[undefined], [7], [{ spec: 1, status: [] }], [{ status: { conditions: [null, 3, "x"], dataplane: 1 } }]])(
  "an object of another form has no facts, and is no fault: %j",
  (object) => {
    expect(factsIn(object)).toMatchObject({ generation: 0, mode: "Gateway", limits: [], backends: [] });
  },
);
