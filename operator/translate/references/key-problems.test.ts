import { expect, test } from "vitest";
import { proxy, translated } from "../../../test/fakes/resources.ts";
import { keyProblems } from "./key-problems.ts";

const gatewayOf = (pod: object, service: object = {}): object => ({ gateway: { pod, service } });
const placesOf = (spec: object): string[] => translated({ proxy: proxy(spec) }).status.problems.map(({ at }) => at);

const long = (length: number): string => "a".repeat(length);

test.each([
  "team",
  "example.com/team",
  "app.kubernetes.io/name",
  "A_b.c-D",
  "9/9",
  long(63),
  `${[62, 63, 63, 62].map(long).join(".")}/x`,
])("the API server takes %s as a key, and so do we", (key) => {
  expect(
    placesOf(gatewayOf({ labels: { [key]: "x" }, annotations: { [key]: "x" }, nodeSelector: { [key]: "x" } })),
  ).toEqual([]);
});

test.each([
  "",
  "-team",
  "team-",
  "two words",
  "a/b/c",
  "/team",
  "example.com/",
  "exa_mple.com/team",
  long(64),
  "ä",
  "a\nb",
])("%j is refused wherever a key may stand, by the path of its field", (key) => {
  const map = { [key]: "x" };
  const gateway = gatewayOf({ labels: map, nodeSelector: map, annotations: map }, { annotations: map });
  const fields = ["pod.labels", "pod.nodeSelector", "pod.annotations", "service.annotations"];
  const places = placesOf(gateway);
  expect(places.map((at) => at.replace(/^spec\.gateway\.(\w+\.\w+)[.[].*$/s, "$1"))).toEqual(fields);
  const { sidecar } = { sidecar: { selector: { matchLabels: map } } };
  expect(placesOf({ mode: "Sidecar", sidecar })).toHaveLength(1);
});

test("the case of an annotation's prefix does not count, that of a label's does", () => {
  const map = { "Example.com/Team": "x" };
  expect(placesOf(gatewayOf({ annotations: map }))).toEqual([]);
  expect(placesOf(gatewayOf({ labels: map }))).toEqual(['spec.gateway.pod.labels["Example.com/Team"]']);
});

test("the message says what to write, and the last good config stays in force", () => {
  const previous = translated({}).config;
  const bad = proxy(gatewayOf({ labels: { "-team": "x" } }), 2);
  const { config, infra, status } = translated({ proxy: bad }, previous);
  expect(config).toEqual(previous);
  expect(infra).toBeUndefined();
  expect(status.conditions[0]).toMatchObject({ status: "False", reason: "Invalid" });
  expect(status.conditions[0]?.message).toMatch(
    /^spec\.gateway\.pod\.labels\.-team: .*write at most 63 .*example\.com\/team$/,
  );
});

test("without a gateway there is no problem", () => {
  expect(keyProblems({ gateway: undefined, sidecar: undefined }, "self")).toEqual([]);
});
