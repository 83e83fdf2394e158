import { expect, test } from "vitest";
import { lookup, service, slice } from "../../../test/fakes/resources.ts";
import { endpointsKey, endpointsOf } from "./endpoints.ts";
import type { Resources, Service } from "../resources.ts";

type Parts = Pick<Partial<Resources>, "services" | "endpointSlices">;

/** `address:port state` of each endpoint, or the reasons why there are none. */
function look(key: string, { services = [], endpointSlices = [] }: Parts, externalNames = false): string[] {
  const { value, problems } = endpointsOf(key, "at", lookup({ services, endpointSlices }, { externalNames }));
  const lines = (value ?? []).map(({ address, port, state }) => `${address}:${port} ${state}`);
  return [...lines, ...problems.map(({ reason, at }) => `${reason} ${at}`)];
}

const ws = service("echo", [
  { name: "ws", port: 80, targetPort: "http" },
  { name: "admin", port: 81 },
]);

test.each([
  ["ready", { ready: true, serving: true, terminating: false }, ["10.0.0.1:8080 Ready"]],
  ["terminating and serving", { ready: false, serving: true, terminating: true }, ["10.0.0.1:8080 Draining"]],
  [
    "terminating, serving, and said to be ready",
    { ready: true, serving: true, terminating: true },
    ["10.0.0.1:8080 Draining"],
  ],
  ["terminating and not serving", { ready: false, serving: false, terminating: true }, []],
  ["neither ready nor terminating", { ready: false, serving: true, terminating: false }, []],
])("an endpoint that is %s", (_, state, expected) => {
  const endpointSlices = [slice("echo", [{ name: "ws", port: 8080 }], [{ addresses: ["10.0.0.1"], ...state }])];
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual(expected);
});

test("a port is found by its number as by its name, and means the slice's port of that name", () => {
  const endpointSlices = [
    slice(
      "echo",
      [
        { name: "admin", port: 9090 },
        { name: "ws", port: 8080 },
      ],
      ["10.0.0.1"],
    ),
  ];
  expect(look("echo:80", { services: [ws], endpointSlices })).toEqual(["10.0.0.1:8080 Ready"]);
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual(["10.0.0.1:8080 Ready"]);
  expect(look("echo:81", { services: [ws], endpointSlices })).toEqual(["10.0.0.1:9090 Ready"]);
});

test("a port with a number as its name is found by its name first", () => {
  const services = [
    service("echo", [
      { name: "a", port: 80 },
      { name: "80", port: 90 },
    ]),
  ];
  const endpointSlices = [
    slice(
      "echo",
      [
        { name: "a", port: 1 },
        { name: "80", port: 2 },
      ],
      ["10.0.0.1"],
    ),
  ];
  expect(look("echo:80", { services, endpointSlices })).toEqual(["10.0.0.1:2 Ready"]);
});

test("a single port needs no name in the slice", () => {
  const services = [service("echo", [{ name: "ws", port: 80 }])];
  expect(look("echo:80", { services, endpointSlices: [slice("echo", [{ port: 8080 }], ["10.0.0.1"])] })).toEqual([
    "10.0.0.1:8080 Ready",
  ]);
  const unnamed = [service("echo", [{ port: 80 }])];
  expect(
    look("echo:80", { services: unnamed, endpointSlices: [slice("echo", [{ port: 8080 }], ["10.0.0.1"])] }),
  ).toEqual(["10.0.0.1:8080 Ready"]);
});

test("a slice's port without a number is the Service's own", () => {
  const endpointSlices = [slice("echo", [{ name: "ws" }], ["10.0.0.1"])];
  const named = service("echo", [{ name: "ws", port: 80, targetPort: 7000 }]);
  expect(look("echo:ws", { services: [named], endpointSlices })).toEqual(["10.0.0.1:7000 Ready"]);
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual(["10.0.0.1:80 Ready"]);
});

test("several slices of both families are one list: sorted, each endpoint once, Ready before Draining", () => {
  const draining = { addresses: ["10.0.0.2"], ready: false, terminating: true };
  const endpointSlices = [
    slice("echo", [{ name: "ws", port: 8080 }], ["10.0.0.3", draining], "b"),
    slice("echo", [{ name: "ws", port: 8080 }], ["10.0.0.2", "10.0.0.3"], "a"),
    slice("echo", [{ name: "ws", port: 8080 }], ["2001:db8::1"], "c", "IPv6"),
    slice("other", [{ name: "ws", port: 8080 }], ["10.0.0.9"], "d"),
  ];
  const expected = ["10.0.0.2:8080 Ready", "10.0.0.3:8080 Ready", "2001:db8::1:8080 Ready"];
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual(expected);
  expect(look("echo:ws", { services: [ws], endpointSlices: endpointSlices.toReversed() })).toEqual(expected);
});

const pod = (name: string, address: string, state: object = {}) => ({ addresses: [address], pod: name, ...state });

/** The slices of a dual-stack Service with two pods. */
const bothFamilies = (state: object = {}) => [
  slice("echo", [{ name: "ws", port: 8080 }], [pod("a", "2001:db8::a"), pod("b", "2001:db8::b")], "echo-6", "IPv6"),
  slice("echo", [{ name: "ws", port: 8080 }], [pod("a", "10.0.0.1", state), pod("b", "10.0.0.2")], "echo-4"),
];

test.each<[string, Partial<Service>, string[]]>([
  ["IPv4 first", { ipFamilies: ["IPv4", "IPv6"] }, ["10.0.0.1:8080 Ready", "10.0.0.2:8080 Ready"]],
  ["IPv6 first", { ipFamilies: ["IPv6", "IPv4"] }, ["2001:db8::a:8080 Ready", "2001:db8::b:8080 Ready"]],
  ["IPv6 alone", { ipFamilies: ["IPv6"] }, ["2001:db8::a:8080 Ready", "2001:db8::b:8080 Ready"]],
  ["no family", {}, ["10.0.0.1:8080 Ready", "10.0.0.2:8080 Ready"]],
])("each pod of a dual-stack Service is one endpoint, where the Service names %s", (_, families, expected) => {
  const services = [service("echo", ws.ports, families)];
  expect(look("echo:ws", { services, endpointSlices: bothFamilies() })).toEqual(expected);
  expect(look("echo:ws", { services, endpointSlices: bothFamilies().toReversed() })).toEqual(expected);
});

test.each([
  ["on its way out", { ready: false, terminating: true }, ["10.0.0.1:8080 Draining", "10.0.0.2:8080 Ready"]],
  ["not ready", { ready: false }, ["10.0.0.2:8080 Ready"]],
])("a pod that is %s does not come back under its other address", (_, state, expected) => {
  expect(look("echo:ws", { services: [ws], endpointSlices: bothFamilies(state) })).toEqual(expected);
});

test("a pod that is in a slice of one family only has the address in that", () => {
  const [six, four] = [
    bothFamilies()[0],
    slice("echo", [{ name: "ws", port: 8080 }], [pod("a", "10.0.0.1")], "echo-4"),
  ];
  const endpointSlices = [six, four].flatMap((it) => it ?? []);
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual([
    "10.0.0.1:8080 Ready",
    "2001:db8::b:8080 Ready",
  ]);
});

test("a slice of host names is a problem of each backend that uses it, and the other slices are used", () => {
  const names = slice("echo", [{ name: "ws", port: 8080 }], [], "echo-names", "FQDN");
  expect(look("echo:ws", { services: [ws], endpointSlices: [names] })).toEqual(["ServiceUnsupported at.service"]);
  const endpointSlices = [names, slice("echo", [{ name: "ws", port: 8080 }], ["10.0.0.1"])];
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual([
    "10.0.0.1:8080 Ready",
    "ServiceUnsupported at.service",
  ]);
});

test("a Service without any endpoint makes no problem", () => {
  expect(look("echo:ws", { services: [ws] })).toEqual([]);
  expect(look("echo:ws", { services: [ws], endpointSlices: [slice("echo", [], [])] })).toEqual([]);
});

test("a missing Service or port is named with its field", () => {
  expect(look("lost:80", { services: [ws] })).toEqual(["ServiceNotFound at.service"]);
  expect(look("echo:82", { services: [ws] })).toEqual(["ServicePortNotFound at.port"]);
  expect(look("echo:constructor", { services: [ws] })).toEqual(["ServicePortNotFound at.port"]);
  const endpointSlices = [slice("echo", [{ name: "typo", port: 8080 }], ["10.0.0.1"])];
  expect(look("echo:ws", { services: [ws], endpointSlices })).toEqual(["ServicePortNotFound at.port"]);
});

test("a Service with more endpoints than a config may hold gives as many as it may, and says so", () => {
  const addresses = Array.from(
    { length: 10_001 },
    (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
  );
  const lines = look("echo:ws", {
    services: [ws],
    endpointSlices: [slice("echo", [{ name: "ws", port: 1 }], addresses)],
  });
  expect(lines).toHaveLength(10_001);
  expect(lines.at(-1)).toBe("ServiceUnsupported at.service");
});

test("a port on the pod itself is loopback", () => {
  expect(endpointsKey(undefined, 8080)).toBe(":8080");
  expect(look(":8080", {})).toEqual(["localhost:8080 Ready"]);
});

const external = (externalName: string, ports: { name?: string; port: number }[] = []) =>
  service("echo", ports, { type: "ExternalName", externalName });

test.each([
  ["any number where it lists no port", external("a.example.com"), "echo:9000", ["a.example.com:9000 Ready"]],
  [
    "a port of its list by name",
    external("a.example.com", [{ name: "ws", port: 9001 }]),
    "echo:ws",
    ["a.example.com:9001 Ready"],
  ],
  [
    "no number that its list lacks",
    external("a.example.com", [{ port: 9001 }]),
    "echo:9000",
    ["ServicePortNotFound at.port"],
  ],
  ["no name where it lists no port", external("a.example.com"), "echo:ws", ["ServicePortNotFound at.port"]],
  ["nothing where the name is none", external("http://a/"), "echo:80", ["ServiceUnsupported at.service"]],
])("outside of a cluster an external name gives %s", (_, one, key, expected) => {
  expect(look(key, { services: [one] }, true)).toEqual(expected);
});

test("a Service with an external name and slices has the endpoints of its slices", () => {
  const services = [external("a.example.com", [{ port: 80 }])];
  const endpointSlices = [slice("echo", [{ port: 8080 }], ["10.0.0.1"])];
  expect(look("echo:80", { services, endpointSlices }, true)).toEqual(["10.0.0.1:8080 Ready"]);
});

test("in a cluster an external name is not dialled, since it could name any host", () => {
  expect(look("echo:80", { services: [external("169.254.169.254")] })).toEqual(["ServiceUnsupported at.service"]);
});

/** The messages of a backend's problems. */
function told(key: string, parts: Partial<Resources>): string[] {
  return endpointsOf(key, "at", lookup(parts)).problems.map(({ reason, at, message }) => `${reason} ${at}: ${message}`);
}

test("a backend that names a UDP port is told that it is UDP, by name and by number", () => {
  const dns = service("echo", [{ name: "dns-tcp", port: 53 }], {
    otherPorts: [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "quic", port: 443, protocol: "UDP" },
    ],
  });
  const words = (port: string): string =>
    `ServicePortNotFound at.port: Service echo has port ${port} for UDP only, and the gateway dials TCP; name a TCP port (it has dns-tcp)`;
  const endpointSlices = [slice("echo", [{ name: "dns-tcp", port: 53 }], ["10.0.0.1"])];
  expect(told("echo:dns", { services: [dns], endpointSlices })).toEqual([words("dns")]);
  expect(told("echo:443", { services: [dns], endpointSlices })).toEqual([words("443")]);
  expect(told("echo:53", { services: [dns], endpointSlices })).toEqual([]);
});

test("of the ports that a Service has instead the first ten are named: a thousand backends may name it", () => {
  const ports = Array.from({ length: 8000 }, (_, at) => ({ name: `${"p".repeat(50)}-${at}`, port: at + 1 }));
  const [words = ""] = told("echo:ws", { services: [service("echo", ports)] });
  expect(words.length).toBeLessThan(700);
  expect(words).toMatch(/Service echo has no TCP port ws; it has p+-0, .*, p+-9 and 7990 more$/);
});

test("a port that the slices have for UDP only", () => {
  const udp = { ...slice("echo", [], ["10.0.0.1"]), otherPorts: [{ name: "ws", port: 80, protocol: "SCTP" }] };
  expect(told("echo:ws", { services: [ws], endpointSlices: [udp] })).toEqual([
    "ServicePortNotFound at.port: no EndpointSlice of Service echo has its port ws for TCP; there it is for SCTP only, which the gateway does not dial",
  ]);
});

test.each([
  [
    "without a name",
    { port: 80 },
    "its port 80, which has no name; give the port in the slice no name, or both the same",
  ],
  [
    "that leads to a name",
    { name: "ws", port: 80, targetPort: "http" },
    'its port ws; its targetPort is the name "http": give a container port of the pods that name',
  ],
  ["with a name", { name: "ws", port: 80 }, "its port ws; give the slice's port that name"],
])("a port %s that no slice has is told what to correct", (_, port, words) => {
  const parts = {
    services: [service("echo", [port])],
    endpointSlices: [slice("echo", [{ name: "other", port: 80 }], ["10.0.0.1"])],
  };
  expect(told("echo:80", parts)).toEqual([
    `ServicePortNotFound at.port: no EndpointSlice of Service echo has ${words}`,
  ]);
});

test("what is left out of slices is one problem of the backend, however many slices there are; the rest is used", () => {
  const part = (at: number) => ({
    ...slice("echo", [{ name: "ws", port: 80 }], [`10.0.0.${at}`], `echo-${at}`),
    leftOut: "endpoints[0].addresses[1]: wrong",
  });
  const undecoded = [1, 2].map((at) => ({
    kind: "EndpointSlice" as const,
    metadata: { namespace: "demo", name: `echo-x${at}`, labels: {} },
    words: "endpoints: must be a list",
    service: "echo",
  }));
  const parts = { services: [ws], endpointSlices: [part(1), part(2), part(3)], undecoded };
  expect(endpointsOf("echo:ws", "at", lookup(parts)).value).toHaveLength(3);
  expect(told("echo:ws", parts)).toEqual([
    "ServiceUnsupported at.service: EndpointSlice echo-1 of Service echo (and 2 more) is used only in part: endpoints[0].addresses[1]: wrong",
    "ServiceUnsupported at.service: EndpointSlice echo-x1 of Service echo (and 1 more) is malformed, so it is not used: endpoints: must be a list",
  ]);
});

test("a Service that exists and cannot be used is not said to be missing", () => {
  const of = (words: string, more: object) => ({
    kind: "Service" as const,
    metadata: { namespace: "demo", name: "echo", labels: {} },
    words,
    ...more,
  });
  expect(told("echo:ws", { services: [], undecoded: [of("spec: is required", {})] })).toEqual([
    "ServiceUnsupported at.service: Service echo is malformed, so it is not used: spec: is required",
  ]);
  expect(told("echo:ws", { services: [], undecoded: [of("is not read: too large", { beyond: true })] })).toEqual([
    "TooLarge at.service: Service echo is not read: too large",
  ]);
});

test("what it costs to look up a backend does not grow with the objects that cannot be used", () => {
  let reads = 0;
  const many = Array.from({ length: 500 }, (_, at) => ({
    get kind() {
      reads += 1;
      return at % 2 === 0 ? ("Service" as const) : ("EndpointSlice" as const);
    },
    metadata: { namespace: "demo", name: `x${at}`, labels: {} },
    service: `other${at}`,
    words: "spec: is required",
  }));
  const of = lookup({ services: [ws], undecoded: many });
  const indexed = reads;
  for (let at = 0; at < 500; at += 1) endpointsOf(`missing${at}:ws`, "at", of);
  endpointsOf("echo:ws", "at", of);
  expect([indexed > 0, reads - indexed]).toEqual([true, 0]);
});
