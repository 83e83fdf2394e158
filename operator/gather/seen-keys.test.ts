import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { proxy, secret, translated } from "../../test/fakes/resources.ts";
import { SeenKeys } from "./seen-keys.ts";
import { tools } from "../platform/tools.ts";
import type { Secret, Unread } from "../translate/resources.ts";

const labels = { keys: "chat" };
const spec = proxy({ policies: { authentication: { apiKey: { secretSelector: { matchLabels: labels } } } } });
const key = (client: string): string => `own-key-of-${client}-0001`;
const holding = (...clients: string[]): Secret =>
  secret("a", Object.fromEntries(clients.map((client) => [client, key(client)])), { labels });
const inForce = (...clients: string[]): Config | undefined =>
  translated({ proxy: spec, secrets: [holding(...clients)] }).config;
const unread: Unread[] = [
  { kind: "Secret", metadata: { namespace: "demo", name: "b", labels }, forbidden: true, words: "no" },
];

/** The clients with keys that earlier passes saw. */
function seen(keys: SeenKeys, secrets: readonly Secret[], config: Config | undefined, missing = unread): string[] {
  const digests = keys.before("demo/chat", { secrets, unread: missing }, config);
  return ["alice", "bob", "carol"].filter((client) => digests.has(tools.sha256(key(client))));
}

test("keys in force that were in a readable Secret are remembered as seen, as long as another Secret cannot be read", () => {
  const keys = new SeenKeys();
  const config = inForce("alice", "bob", "carol");
  expect(seen(keys, [holding("alice")], config)).toEqual([]);
  expect(seen(keys, [], config)).toEqual(["alice"]);
  expect(seen(keys, [holding("bob")], config)).toEqual(["alice"]);
  expect(seen(keys, [], config)).toEqual(["alice", "bob"]);
  expect(seen(keys, [], config, [])).toEqual(["alice", "bob"]);
  expect(seen(keys, [], config)).toEqual([]);
});

test("keys that are not in force any more are forgotten: however often keys change, only those in force and those read are remembered", () => {
  const keys = new SeenKeys();
  for (let at = 0; at < 50; at += 1) {
    const clients = Array.from({ length: 100 }, (_, client) => `c-${at}-${client}`);
    keys.before("demo/chat", { secrets: [holding(...clients)], unread }, inForce("alice"));
  }
  seen(keys, [holding("alice")], inForce("alice"));
  expect(seen(keys, [], inForce("alice"))).toEqual(["alice"]);
  expect(keys.weight).toBeLessThan(110 * 16);
});

test("a pass that does not know the config in force forgets no key", () => {
  const keys = new SeenKeys();
  seen(keys, [holding("alice")], inForce("alice"));
  expect(seen(keys, [holding("bob")], undefined)).toEqual([]);
  expect(seen(keys, [], inForce("alice", "bob"))).toEqual(["alice", "bob"]);
});

test("while the config in force is not known, twenty thousand keys are remembered, and those of a pass more", () => {
  const keys = new SeenKeys();
  const digest = (pass: number, at: number): string => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32BE(pass);
    bytes.writeUInt32BE(at, 4);
    return bytes.toString("base64url");
  };
  const weights = Array.from({ length: 3 }, (_, pass) => {
    const entries = Array.from({ length: 12_000 }, (_key, at) => ({ client: `c-${at}`, digest: digest(pass, at) }));
    keys.before("demo/chat", { secrets: [{ ...holding(), keys: entries }], unread }, undefined);
    return keys.weight / 16;
  });
  expect(weights).toEqual([12_000, 24_000, 12_000]);
});
