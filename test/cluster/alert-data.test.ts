import { expect, test } from "vitest";
import { dataOf } from "./alert-data.ts";

test.each([
  ["max by (proxy) (up) == 0", "max by (proxy) (up) == bool 0"],
  ["max(x) != min(x) and on (pod) (y > 0.8)", "max(x) != bool min(x) and on (pod) (y > bool 0.8)"],
  ['rate(x{reason!="Stopping"}[5m]) > 10', 'rate(x{reason!="Stopping"}[5m]) > bool 10'],
  ['max(x{condition="Programmed", reason="RolloutStuck"}) == 0', 'max(x{condition="Programmed"}) == bool 0'],
  [
    'label_replace(max by(proxy) (x{condition="Ready"}) == 0 unless max by(proxy) (x{condition="Programmed"}) == 1, "a", "$1", "b", "c")',
    'label_replace(max by(proxy) (x{condition="Ready"}) == bool 0, "a", "$1", "b", "c")',
  ],
  ["sum(x) == 0 or group by (a) (y) unless group by (a) (x)", "sum(x) == bool 0 or group by (a) (y)"],
])("%s has data where its metrics have", (query, wanted) => {
  expect(dataOf(query)).toBe(wanted);
});
