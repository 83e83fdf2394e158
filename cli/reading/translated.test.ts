import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { routesOf } from "../../api/route-settings.ts";
import { ALICE, backendManifest, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { collect } from "../manifests/workspace.ts";
import { located, translateEach, translateTogether, type Translated } from "./translated.ts";

const together = (...proxies: readonly string[]): ReturnType<typeof collect> =>
  collect("all.yaml", [...proxies, keysManifest({ alice: ALICE }), backendManifest(9000)].join("---\n"));

const nothing = (): undefined => undefined;

function accepted({ translation }: Translated): string | undefined {
  return translation.status.conditions.find(({ type }) => type === "Accepted")?.reason;
}

const [a, b] = [proxyManifest({ name: "a" }), proxyManifest({ name: "b" })];

test("of two proxies on one port the first by name gets it, wherever they stand; the other is told where", () => {
  const { manifests } = together(b, a);
  const translated = translateTogether(manifests, nothing);
  expect(translated.map((it) => [it.id, accepted(it), it.translation.config?.listener.port])).toEqual([
    ["demo/a", "Accepted", 8080],
    ["demo/b", "ListenerConflict", undefined],
  ]);
  expect(located(translated, manifests)).toEqual([
    {
      file: "all.yaml",
      document: 1,
      line: 5,
      object: "WebSocketProxy demo/b",
      field: "spec.listener.port",
      reason: "ListenerConflict",
      message: "port 8080 is that of demo/a already; choose another",
    },
  ]);
});

test("what is wrong with an entry of a Secret is named as it is written, and its line found", () => {
  const secret = keysManifest({ alice: ALICE, bob: "short" });
  for (const [text, field] of [
    [secret, "stringData.bob"],
    [secret.replace("stringData", "data").replaceAll(ALICE, btoa(ALICE)).replace("short", btoa("short")), "data.bob"],
  ] as const) {
    const { manifests } = collect("all.yaml", [text, proxyManifest(), backendManifest(9000)].join("---\n"));
    expect(located(translateEach(manifests), manifests)).toMatchObject([
      { line: 4, object: "Secret demo/keys", field },
    ]);
  }
});

test("in a cluster each has pods of its own: no conflict", () => {
  expect(translateEach(together(a, b).manifests).map(accepted)).toEqual(["Accepted", "Accepted"]);
});

test("the one that has the port in force keeps it against an earlier name", () => {
  const { config } = translateEach(together(b).manifests)[0]?.translation ?? {};
  const inForce = (id: string): Config | undefined => (id === "demo/b" ? config : undefined);
  expect(translateTogether(together(a, b).manifests, inForce).map(accepted)).toEqual(["ListenerConflict", "Accepted"]);
});

test("a proxy that moves to the port of another keeps its last good config, with the keys that are there now", () => {
  const before = together(a, proxyManifest({ name: "b", port: 8081 }));
  const configs = new Map(translateTogether(before.manifests, nothing).map((it) => [it.id, it.translation.config]));
  const { manifests } = collect(
    "all.yaml",
    [a, b, keysManifest({ bob: "another-key-of-bob" }), backendManifest(9000)].join("---\n"),
  );
  const [, moved] = translateTogether(manifests, (id) => configs.get(id));
  const { config } = moved?.translation ?? {};
  expect(moved === undefined ? undefined : accepted(moved)).toBe("ListenerConflict");
  expect(config?.listener.port).toBe(8081);
  const [route] = config === undefined ? [] : routesOf(config);
  expect(route?.policies.authentication?.apiKey?.keys.map(({ client }) => client)).toEqual(["bob"]);
});

test("a port that its owner leaves can be taken in the same edit", () => {
  const before = together(a);
  const configs = new Map(translateTogether(before.manifests, nothing).map((it) => [it.id, it.translation.config]));
  const { manifests } = together(proxyManifest({ name: "a", port: 8081 }), b);
  expect(translateTogether(manifests, (id) => configs.get(id)).map(accepted)).toEqual(["Accepted", "Accepted"]);
});
