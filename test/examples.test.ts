import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { spec } from "../api/websocket-proxy.ts";
import { decode, resourcesOf } from "../operator/gather/decode.ts";
import { tools } from "../operator/platform/tools.ts";
import { translate } from "../operator/translate/translate.ts";

const examples = join(import.meta.dirname, "../examples");

describe.each(["quickstart", "apigee-sample", "reference"])("examples/%s", (folder) => {
  const files = readdirSync(join(examples, folder));
  const decoded = files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(examples, folder, file), "utf8")).map((document) => decode(document.toJS())),
  );
  const objects = decoded.flatMap((it) => it.objects);
  const proxies = objects.flatMap((it) => (it.kind === "WebSocketProxy" ? [it] : []));

  test("is accepted and resolved, whole", () => {
    expect(decoded.flatMap(({ problems }) => problems)).toEqual([]);
    expect(proxies).toHaveLength(1);
    for (const proxy of proxies) {
      const { config, status } = translate(resourcesOf(proxy, objects), undefined, tools, { externalNames: true });
      expect(status.problems).toEqual([]);
      expect(config?.listener.tls === undefined || config.listener.tls.keyPair !== undefined).toBe(true);
    }
  });

  test("holds only Secrets that are plainly examples", () => {
    const values = objects.flatMap((it) => (it.kind === "Secret" ? Object.values(it.object.data) : []));
    expect(values.length).toBeGreaterThan(0);
    expect(values.filter((value) => !/^(example-|-----BEGIN )/.test(value))).toEqual([]);
  });
});

test("examples/reference shows every field that there is", () => {
  const text = readFileSync(join(examples, "reference/every-field.yaml"), "utf8");
  const names = fieldsOf(z.toJSONSchema(spec, { io: "input", unrepresentable: "any" }));
  expect(names.size).toBeGreaterThan(80);
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

/** Names of all fields in a JSON schema. */
function fieldsOf(schema: unknown): Set<string> {
  if (typeof schema !== "object" || schema === null) return new Set();
  const { properties = {}, ...rest } = schema as { readonly properties?: object };
  const below = [...Object.values(properties), ...Object.values(rest)].flatMap((part) => [...fieldsOf(part)]);
  return new Set([...Object.keys(properties), ...below]);
}
