import { expect, test } from "vitest";
import { serviceIn, serviceRecord } from "./service-record.ts";

test("a record is read back as it was written", () => {
  for (const type of ["ClusterIP", "NodePort", "LoadBalancer"] as const) {
    const shape = { type, port: 65_535 };
    expect(serviceIn({ other: "x", ...serviceRecord(shape) })).toEqual(shape);
  }
  expect(serviceRecord(undefined)).toEqual({});
});

test.each([
  "",
  "80",
  "ClusterIP",
  "ExternalName 80",
  "ClusterIP 0",
  "ClusterIP 080",
  "ClusterIP 65536",
  "ClusterIP 80 ",
])("%j is no record: another writer has been there", (text) => {
  expect(serviceIn({ "wsproxy.dev/service": text })).toBeUndefined();
});

test("a Secret of an earlier version has no record", () => {
  expect(serviceIn(undefined)).toBeUndefined();
});
