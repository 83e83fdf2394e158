import { expect, test } from "vitest";
import { secret } from "../../test/fakes/resources.ts";
import { configMapForm, secretForm } from "./content-forms.ts";

const encoded = (bytes: Buffer | string): string => Buffer.from(bytes).toString("base64");

test("of a Secret full of entries that cannot be keys a thousand are retained to be named, and a hundred that are no text", () => {
  const data = Object.fromEntries([
    ...Array.from({ length: 2000 }, (_, at) => [`short-${at}`, encoded("x")] as const),
    ...Array.from({ length: 200 }, (_, at) => [`bytes-${at}`, encoded(Buffer.from([0xff, 0xfe]))] as const),
    ["alice", encoded("alices-own-key-0001")],
  ]);
  const { value } = secretForm({ keys: true, entries: [] }).of({
    apiVersion: "v1",
    kind: "Secret",
    metadata: secret("a", {}).metadata,
    type: "Opaque",
    data,
  } as never);
  expect([value.object.count, value.object.secret.notText?.length]).toEqual([1001, 100]);
});

test("of a ConfigMap the used entries in binaryData are named; a value that is null is empty", () => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", labels: null, annotations: null } };
  const whole = { ...object, data: { a: "text", b: null }, binaryData: { c: "AA==", d: "AA==" } };
  expect(configMapForm(["a", "b", "c"]).of(whole as never).value.object).toMatchObject({
    data: { a: "text", b: "" },
    binary: ["c"],
  });
  const keys = secretForm({ keys: true, entries: ["a"] }).of({ ...object, kind: "Secret", data: { a: null } } as never);
  expect(keys.value.object.secret.data).toEqual({ a: "" });
  expect(secretForm({ keys: true, entries: [] }).of({ ...object, data: null } as never).value.object.count).toBe(0);
});
