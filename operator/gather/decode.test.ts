import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, resourcesOf, type ProxyObject } from "./decode.ts";

const secretOf = (fields: object): ReturnType<typeof decode> =>
  decode({ apiVersion: "v1", kind: "Secret", metadata: { name: "a", namespace: "demo" }, ...fields });

const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

test("a Secret's data is base64 of UTF-8; stringData overrides it; its type is Opaque by default", () => {
  const { objects, problems } = secretOf({
    data: { a: base64("é"), b: `${base64("b")}\n`, c: base64("old") },
    stringData: { c: "new" },
  });
  expect(problems).toEqual([]);
  expect(objects).toMatchObject([
    { kind: "Secret", object: { type: "Opaque", data: { a: "é", b: "b", c: "new" }, notText: [] } },
  ]);
});

test("an entry that is not UTF-8 is named, and is no problem: no proxy may need it", () => {
  const { objects, problems } = secretOf({ data: { keystore: base64(Buffer.from([0xff, 0xfe])), a: base64("a") } });
  expect(problems).toEqual([]);
  expect(objects).toMatchObject([{ object: { data: { a: "a" }, notText: ["keystore"] } }]);
});

test.each(["plain text", "YQ", "YQ=", "YQ==YQ==", "Y-Q=", "===="])(
  "%j is not base64, and its field is named",
  (value) => {
    const { objects, problems } = secretOf({ data: { password: value } });
    expect(objects).toMatchObject([{ object: { data: {}, notText: ["password"] } }]);
    expect(problems).toEqual([
      {
        reason: "Invalid",
        message: "is not base64; plain text belongs in stringData",
        at: "data.password",
        object: "Secret demo/a",
      },
    ]);
  },
);

test("a field that Kubernetes' tools write as null counts as absent", () => {
  const metadata = { name: "a", creationTimestamp: null, labels: null, annotations: null };
  expect(decode({ apiVersion: "v1", kind: "Secret", metadata, data: null, stringData: null }).objects).toMatchObject([
    { object: { metadata: { namespace: "default", labels: {}, creationTimestamp: "" }, data: {} } },
  ]);
});

test("a Service's TCP ports count; no name and an empty one are the same", () => {
  const ports = [
    { port: 80, name: "" },
    { port: 53, protocol: "UDP", name: "dns" },
    { port: 81, protocol: "TCP", targetPort: "x" },
  ];
  expect(decode({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: { ports } }).objects).toMatchObject(
    [{ object: { type: "ClusterIP", ports: [{ port: 80 }, { port: 81, targetPort: "x" }] } }],
  );
});

function slice(fields: object): ReturnType<typeof decode> {
  const metadata = { name: "a-1", labels: { "kubernetes.io/service-name": "a" } };
  return decode({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, ...fields });
}

test("an unknown condition of an endpoint has the meaning that Kubernetes gives it", () => {
  const states = [undefined, {}, { ready: null }, { ready: false }, { ready: false, serving: true, terminating: true }];
  const endpoints = states.map((conditions) => ({ addresses: ["10.0.0.1"], conditions }));
  const [one] = slice({ addressType: "IPv4", endpoints }).objects;
  const read = one?.kind === "EndpointSlice" ? one.object.endpoints : [];
  expect(read.map(({ ready, serving, terminating }) => [ready, serving, terminating])).toEqual([
    [true, true, false],
    [true, true, false],
    [true, true, false],
    [false, false, false],
    [false, true, true],
  ]);
});

test("an address has one spelling; a text that is no address is named and left out", () => {
  const endpoints = [{ addresses: ["2001:DB8:0:0::1", "fe80::1%eth0", "example.com"] }];
  const { objects, problems } = slice({ addressType: "IPv6", endpoints });
  expect(objects).toMatchObject([{ object: { service: "a", endpoints: [{ addresses: ["2001:db8::1"] }] } }]);
  expect(problems.map(({ at }) => at)).toEqual(["endpoints[0].addresses[1]", "endpoints[0].addresses[2]"]);
});

test("an address has to be in a slice of its own family, and an IPv4-mapped IPv6 address is IPv4", () => {
  const endpoints = [{ addresses: ["10.0.0.1", "::ffff:10.0.0.2", "::1"] }];
  const four = slice({ addressType: "IPv4", endpoints });
  expect(four.objects).toMatchObject([{ object: { endpoints: [{ addresses: ["10.0.0.1", "10.0.0.2"] }] } }]);
  expect(four.problems).toMatchObject([
    {
      at: "endpoints[0].addresses[2]",
      message: '"::1" is not of addressType IPv4; each family has slices of its own',
    },
  ]);
  const six = slice({ addressType: "IPv6", endpoints });
  expect(six.objects).toMatchObject([{ object: { endpoints: [{ addresses: ["::1"] }] } }]);
  expect(six.problems.map(({ at }) => at)).toEqual(["endpoints[0].addresses[0]", "endpoints[0].addresses[1]"]);
});

test("an endpoint that is a pod names it; a later pod of the same name is another one", () => {
  const refs = [
    { kind: "Pod", namespace: "default", name: "a", uid: "1" },
    { kind: "Pod", name: "a", uid: "2" },
    { kind: "Node", name: "a" },
    { kind: "Pod" },
    null,
  ];
  const endpoints = refs.map((targetRef) => ({ addresses: ["10.0.0.1"], targetRef }));
  const [one] = slice({ addressType: "IPv4", endpoints }).objects;
  const read = one?.kind === "EndpointSlice" ? one.object.endpoints : [];
  expect(read.map(({ pod }) => pod)).toEqual(["a 1", "a 2", undefined, undefined, undefined]);
});

test("the families of a Service keep their order", () => {
  const of = (ipFamilies?: unknown) =>
    decode({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: { ipFamilies } }).objects;
  expect(of(["IPv6", "IPv4"])).toMatchObject([{ object: { ipFamilies: ["IPv6", "IPv4"] } }]);
  for (const none of [[], null, undefined]) expect(of(none)[0]?.kind).toBe("Service");
});

test("a slice of host names gives no endpoints, even if a name looks like an address", () => {
  const { objects, problems } = slice({
    addressType: "FQDN",
    endpoints: [{ addresses: ["a.example.com"] }, { addresses: ["10.0.0.1"] }],
  });
  expect(problems).toMatchObject([{ at: "addressType", object: "EndpointSlice default/a-1" }]);
  expect(objects).toMatchObject([
    { object: { addressType: "FQDN", endpoints: [{ addresses: [] }, { addresses: [] }] } },
  ]);
});

test("null is as absent in every field that Kubernetes takes so", () => {
  const none = { name: null, protocol: null, targetPort: null, port: 80, appProtocol: null, nodePort: null };
  const spec = { type: null, externalName: null, ipFamilies: null, ports: [none] };
  const all = { namespace: null, uid: null, generation: null, labels: { a: null }, managedFields: null };
  const metadata = { name: "a", ...all };
  expect(decode({ apiVersion: "v1", kind: "Service", metadata, spec }).objects).toMatchObject([
    { object: { metadata: { namespace: "default", labels: { a: "" } }, type: "ClusterIP", ports: [{ port: 80 }] } },
  ]);
  expect(decode({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: null } }).objects).toMatchObject([
    { object: { data: { a: "" } } },
  ]);
  expect(secretOf({ type: null, data: { a: null } }).objects).toMatchObject([
    { object: { type: "Opaque", data: { a: "" }, notText: [] } },
  ]);
  const ports = [{ name: null, protocol: null, port: null }];
  const endpoint = { addresses: null, conditions: null, targetRef: { kind: null, name: null, uid: null }, zone: null };
  expect(slice({ addressType: null, ports, endpoints: [endpoint] }).objects).toMatchObject([
    { object: { addressType: "IPv4", ports: [{}], endpoints: [{ addresses: [], ready: true }] } },
  ]);
  expect(slice({ ports: null, endpoints: null }).objects).toMatchObject([{ object: { ports: [], endpoints: [] } }]);
});

test("names, keys, uids and annotations of any length that the API server takes", () => {
  const metadata = {
    name: "a".repeat(253),
    uid: "u".repeat(1000),
    creationTimestamp: "2026-01-01T00:00:00.123456789123456789123456789123456789123456789Z",
    labels: { [`${"d".repeat(253)}/${"n".repeat(63)}`]: "v".repeat(63), empty: "" },
    annotations: { note: "n".repeat(262_144) },
    managedFields: [{}],
    selfLink: "/x",
  };
  const objects = [
    { apiVersion: "v1", kind: "Secret", metadata, data: { ["k".repeat(253)]: "" } },
    { apiVersion: "v1", kind: "ConfigMap", metadata },
    { apiVersion: "v1", kind: "Service", metadata: { ...metadata, name: "1".repeat(63) }, spec: {} },
    { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, addressType: "IPv4" },
  ];
  expect(objects.flatMap((it) => decode(it).problems)).toEqual([]);
  expect(objects.flatMap((it) => decode(it).objects)).toHaveLength(4);
});

test("what cannot be used of an object is said in a bounded text, and the rest counts", () => {
  const addresses = Array.from({ length: 100 }, (_, at) => `example-${at}.${"x".repeat(200)}`);
  const ports = [
    { name: "zero", port: 0 },
    { name: "ws", port: 8080 },
    { name: "dns", protocol: "UDP", port: 53 },
  ];
  const endpoints = [{ addresses: [...addresses, "10.0.0.1"] }];
  const [one] = slice({ addressType: "IPv4", ports, endpoints }).objects;
  expect(one?.kind === "EndpointSlice" && one.object).toMatchObject({
    ports: [{ name: "ws", port: 8080 }],
    otherPorts: [{ name: "dns", port: 53, protocol: "UDP" }],
    endpoints: [{ addresses: ["10.0.0.1"] }],
    leftOut: expect.stringMatching(/^ports\[0\]\.port: 0 is not a port.*… and 98 more$/),
  });
  const unknown = slice({ addressType: "IPv8", endpoints: [{ addresses: ["10.0.0.1"] }] }).objects;
  expect(unknown).toMatchObject([
    {
      object: {
        leftOut: expect.stringContaining('addressType: "IPv8" is not dialled'),
        endpoints: [{ addresses: [] }],
      },
    },
  ]);
  const spec = { ipFamilies: ["IPv6", "IPv8"], ports: [{ port: 80 }] };
  expect(decode({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec }).objects).toMatchObject([
    { object: { ipFamilies: ["IPv6"], leftOut: 'spec.ipFamilies[1]: "IPv8" is neither IPv4 nor IPv6' } },
  ]);
});

test("an object that cannot be decoded is still known by its name, labels and Service", () => {
  const metadata = { name: "a-1", namespace: "demo", labels: { "kubernetes.io/service-name": "a", wrong: 1 } };
  const { objects, undecoded } = decode({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata });
  expect(objects).toEqual([]);
  expect(undecoded).toEqual({
    kind: "EndpointSlice",
    metadata: { namespace: "demo", name: "a-1", labels: { "kubernetes.io/service-name": "a" } },
    words: "metadata.labels.wrong: must be a string, not a number",
    service: "a",
  });
});

test.each<[string, unknown, object[]]>([
  ["a text", "x", [{ object: "manifest", message: "is not a Kubernetes object" }]],
  ["no kind", { a: 1 }, [{ object: "manifest" }]],
  ["no name", { apiVersion: "v1", kind: "Secret" }, [{ object: "Secret default/(unnamed)", at: "metadata" }]],
  [
    "a hostile name",
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "../\n" } },
    [{ object: "ConfigMap default/(unnamed)", at: "metadata.name" }],
  ],
  ["a kind that no translation looks at", { apiVersion: "apps/v1", kind: "Deployment" }, []],
  ["a Secret of another group", { apiVersion: "example.com/v1", kind: "Secret" }, []],
])("%s", (_, manifest, problems) => {
  expect(decode(manifest).objects).toEqual([]);
  expect(decode(manifest).problems).toMatchObject(problems);
});

test.each([
  { apiVersion: "wsproxy.dev/v1", kind: "WebSocketProxy", metadata: { name: "a" } },
  { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebsocketProxy", metadata: { name: "a", namespace: "default" } },
])("a WebSocketProxy is handed on unchecked, also with a slip in version or kind: $apiVersion $kind", (manifest) => {
  expect(decode(manifest).objects).toEqual([{ kind: "WebSocketProxy", namespace: "default", name: "a", manifest }]);
});

test("a proxy's resources are the objects of its own namespace only", () => {
  const one = (namespace: string) => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "a", namespace } });
  const objects = ["demo", "other", "kube-system"].flatMap((namespace) => decode(one(namespace)).objects);
  const proxy: ProxyObject = { kind: "WebSocketProxy", namespace: "demo", name: "chat", manifest: {} };
  expect(resourcesOf(proxy, objects).secrets.map(({ metadata }) => metadata.namespace)).toEqual(["demo"]);
});

test("no manifest makes it throw", () => {
  const kinds = fc.constantFrom("Secret", "ConfigMap", "Service", "EndpointSlice", "WebSocketProxy");
  const versions = fc.constantFrom("v1", "discovery.k8s.io/v1", "wsproxy.dev/v1alpha1");
  const field = fc.constantFrom("metadata", "spec", "data", "stringData", "items", "ports", "endpoints", "addresses");
  const body = fc.dictionary(field, fc.jsonValue({ maxDepth: 4 }));
  fc.assert(
    fc.property(kinds, versions, body, (kind, apiVersion, fields) => {
      expect(() => decode({ kind, apiVersion, ...(fields as object) })).not.toThrow();
    }),
  );
});
