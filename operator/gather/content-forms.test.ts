import { expect, test } from "vitest";
import { secret } from "../../test/fakes/resources.ts";
import { secretForm } from "./content-forms.ts";

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
