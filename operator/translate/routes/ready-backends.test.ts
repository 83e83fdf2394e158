import { expect, test } from "vitest";
import { proxy, route, service, slice, translated } from "../../../test/fakes/resources.ts";

const PORTS = [{ port: 8080 }];
const OPEN = { authentication: { require: "None" } };
const to = (...services: readonly string[]) => ({ backends: services.map((name) => ({ service: name, port: 80 })) });
const services = ["echo", "a", "b"].map((name) => service(name, [{ port: 80 }]));
const endpointsOf = (state: object) => [{ addresses: ["10.0.0.7"], ...state }];
const countOf = (...parts: Parameters<typeof translated>): string | undefined => {
  const [resources, previous] = parts;
  return translated({ services, ...resources }, previous).status.readyBackends;
};

test("a backend counts as ready with one ready endpoint, however many it has", () => {
  const spec = { routes: [route("main", to("echo", "a", "b"))] };
  const ready = slice("a", PORTS, ["10.0.0.1", "10.0.0.2"]);
  expect(countOf({ proxy: proxy(spec), endpointSlices: [ready, slice("b", PORTS, [])] })).toBe("1/3");
  expect(countOf({ proxy: proxy(spec), endpointSlices: [] })).toBe("0/3");
});

test.each([
  ["not ready", { ready: false }, "0/1"],
  ["draining", { ready: false, serving: true, terminating: true }, "0/1"],
  ["ready", {}, "1/1"],
])("an endpoint that is %s", (_, state, count) => {
  expect(countOf({ endpointSlices: [slice("echo", PORTS, endpointsOf(state))] })).toBe(count);
});

test("a Service and port of several routes count once, another port of it by itself", () => {
  const other = { backends: [{ service: "echo", port: 81 }] };
  const routes = [route("one"), route("two", to("echo", "a")), route("three", other)];
  const twoPorts = [
    { port: 80, name: "ws" },
    { port: 81, name: "more" },
  ];
  const [, ...others] = services;
  const endpointSlices = [slice("echo", [{ port: 8080, name: "ws" }], ["10.0.0.1"])];
  const parts = { proxy: proxy({ routes }), services: [service("echo", twoPorts), ...others], endpointSlices };
  expect(countOf(parts)).toBe("1/3");
});

test("a backend without its Service, or without a Secret that it names, counts as not ready", () => {
  const tls = { service: "echo", port: 80, tls: { caSecretName: "nowhere" } };
  const routes = [route("main", { backends: [tls, { service: "nowhere", port: 80 }, { service: "a", port: 80 }] })];
  const endpointSlices = [slice("echo", PORTS, ["10.0.0.1"]), slice("a", PORTS, ["10.0.0.2"])];
  expect(countOf({ proxy: proxy({ routes }), endpointSlices })).toBe("1/3");
});

test("a route that is not accepted counts by its version in force, and not at all without one", () => {
  const endpointSlices = [slice("echo", PORTS, ["10.0.0.1"]), slice("a", PORTS, ["10.0.0.2"])];
  const good = proxy({ routes: [route("main"), route("second", to("a", "b"))] });
  const bad = proxy({ routes: [route("main"), route("second", { ...to("b"), loadBalancing: "Best" })] });
  expect(countOf({ proxy: bad, endpointSlices })).toBe("1/1");
  const { config } = translated({ proxy: good, services, endpointSlices });
  expect(countOf({ proxy: bad, endpointSlices }, config)).toBe("2/3");
});

test("a spec that is not accepted counts by the config in force, and says nothing without one", () => {
  const bad = proxy({ listener: { port: 0 }, routes: [route("main", to("a", "b"))] });
  expect(countOf({ proxy: bad })).toBeUndefined();
  const { config } = translated({ proxy: proxy() });
  expect(countOf({ proxy: bad }, config)).toBe("1/1");
});

test("the count is that of the endpoints which the pods get", () => {
  const routes = Array.from({ length: 300 }, (_, at) => {
    const backends = Array.from({ length: 8 }, (__, index) => ({ service: `s${at}`, port: index + 1 }));
    return route(`r${at}`, { backends, policies: OPEN });
  });
  const many = routes.map((_, at) =>
    service(
      `s${at}`,
      Array.from({ length: 8 }, (__, index) => ({ port: index + 1, name: `p${index}` })),
    ),
  );
  const slices = many
    .slice(0, 100)
    .map(({ metadata: { name } }) => slice(name, [{ port: 1, name: "p0" }], ["10.0.0.1"]));
  const { status, endpoints } = translated({ proxy: proxy({ routes }), services: many, endpointSlices: slices });
  const ready = Object.values(endpoints.backends).filter((all) => all.some(({ state }) => state === "Ready"));
  expect([status.readyBackends, ready.length]).toEqual(["100/2400", 100]);
});
