import fc from "fast-check";
import { expect, test } from "vitest";
import { billionths, containerResources } from "./container-resources.ts";
import { read } from "./problem.ts";

const NANO = 10n ** 9n;

test.each<[unknown, bigint]>([
  ["1", NANO],
  [1, NANO],
  [0.5, NANO / 2n],
  ["0", 0n],
  ["+2", 2n * NANO],
  [".5", NANO / 2n],
  ["5.", 5n * NANO],
  ["250m", NANO / 4n],
  ["1n", 1n],
  ["0.1n", 1n],
  ["3u", 3000n],
  ["64Mi", 64n * 1024n ** 2n * NANO],
  ["0.5Ki", 512n * NANO],
  ["1.5Gi", 3n * 1024n ** 3n * (NANO / 2n)],
  ["2E", 2n * 10n ** 27n],
  ["1e3", 1000n * NANO],
  ["1E-3", NANO / 1000n],
  [1e-7, 100n],
  ["1e-99", 1n],
  ["8Ei", 8n * 1024n ** 6n * NANO],
])("%j is a quantity", (value, wanted) => {
  expect(billionths(value)).toBe(wanted);
});

test.each([
  "",
  ".",
  "m",
  "-1",
  "+-1",
  "1 Gi",
  "1GiB",
  "256MB",
  "1K",
  "1ki",
  "1e",
  "1e999",
  "0x1",
  "1,5",
  "1_000",
  "9".repeat(41),
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
  undefined,
  true,
  ["1"],
  {},
])("%j is no quantity", (value) => {
  expect(billionths(value)).toBeUndefined();
});

test("any text gives an answer, quickly", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.eEKMGTPimnu+-]{0,60}$/)), (text) => {
      const started = performance.now();
      billionths(text);
      return performance.now() - started < 100;
    }),
  );
});

const wrong = (resources: object): string[] => {
  const checked = read(containerResources, resources, "r", "Invalid");
  return checked.ok ? [] : checked.problems.map(({ at }) => at);
};

test.each<[object]>([
  [{}],
  [{ requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "64Mi" } }],
  [{ requests: { cpu: 1, memory: "1Gi" }, limits: { cpu: "1000m", memory: "1024Mi", "ephemeral-storage": "1G" } }],
  [{ requests: null, limits: null, claims: null }],
  [{ limits: { "example.com/nic": 1 }, requests: { "example.com/nic": "1" }, claims: [] }],
  [{ limits: { "example.com/nic": 1 } }],
])("%j can be a container's resources", (resources) => {
  expect(wrong(resources)).toEqual([]);
});

test.each<[object, string]>([
  [{ request: {} }, "r.request"],
  [{ requests: [] }, "r.requests"],
  [{ limits: "1" }, "r.limits"],
  [{ limits: { cpu: "1 core" } }, "r.limits.cpu"],
  [{ limits: { cpu: null } }, "r.limits.cpu"],
  [{ limits: { cpus: 1 } }, "r.limits.cpus"],
  [{ limits: { "hugepages-2Mi": "2Mi" } }, "r.limits.hugepages-2Mi"],
  [{ requests: { constructor: 1 } }, "r.requests.constructor"],
  [{ requests: { cpu: 2 }, limits: { cpu: 1 } }, "r.requests.cpu"],
  [{ requests: { memory: "1Gi" }, limits: { memory: "1G" } }, "r.requests.memory"],
  [{ requests: { "example.com/nic": 1 } }, 'r.requests["example.com/nic"]'],
  [{ limits: { "example.com/nic": "500m" } }, 'r.limits["example.com/nic"]'],
  [{ claims: [{ name: "gpu" }] }, "r.claims"],
])("%j cannot, and the field is named", (resources, at) => {
  expect(wrong(resources)).toEqual([at]);
});
