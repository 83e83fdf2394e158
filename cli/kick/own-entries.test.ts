import { expect, test } from "vitest";
import { ownEntries } from "./own-entries.ts";

const denied = (...clients: readonly string[]): object => ({
  "f:policies": { "f:deny": { "f:clients": Object.fromEntries(clients.map((id) => [`v:${JSON.stringify(id)}`, {}])) } },
});

const managed = (manager: string, operation: string, spec: object, more: object = {}): object => ({
  manager,
  operation,
  apiVersion: "wsproxy.dev/v1alpha1",
  fieldsType: "FieldsV1",
  fieldsV1: { "f:spec": spec },
  ...more,
});

test("takes what the manager applied, by spec and route, and nothing of other managers, updates and subresources", () => {
  const managedFields = [
    managed("kubectl", "Apply", denied("others")),
    managed("wsproxy-kick", "Update", denied("updated")),
    managed("wsproxy-kick", "Apply", denied("status"), { subresource: "status" }),
    managed("wsproxy-kick", "Apply", {
      ...denied("alice", 'quote"\\ and \u001b'),
      "f:routes": {
        'k:{"name":"main"}': { ".": {}, "f:name": {}, ...denied("bob") },
        'k:{"other":"key"}': denied("lost"),
        "k:no json": denied("lost"),
        "v:7": denied("lost"),
      },
    }),
  ];
  expect(ownEntries({ metadata: { name: "chat", managedFields } } as never, "wsproxy-kick")).toEqual({
    clients: ["alice", 'quote"\\ and \u001b'],
    routes: new Map([["main", ["bob"]]]),
  });
});

test.each([
  {},
  { managedFields: 7 },
  { managedFields: [null] },
  { managedFields: [managed("wsproxy-kick", "Apply", [])] },
])("an object without such fields has none: %j", (metadata) => {
  expect(ownEntries({ metadata: { name: "chat", ...metadata } }, "wsproxy-kick")).toEqual({
    clients: [],
    routes: new Map(),
  });
});
