import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { apiKey, digestOf } from "../../test/fakes/api-keys.ts";
import { configOf } from "../../test/fakes/config.ts";
import type { Hints } from "../reading/reading.ts";
import { nextSteps } from "./next-steps.ts";

const KEY = "example-key-alice-0001";
const hints: Hints = {
  examples: [{ key: KEY, digest: digestOf(KEY), client: "alice", file: "keys.yaml" }],
  files: new Map(),
};
const taking = (...from: readonly object[]): Config => {
  const keys = apiKey([{ client: "alice", key: KEY }], from);
  return configOf({ routes: [{ policies: { authentication: { require: "All", apiKey: keys } } }] });
};
const command = (config: Config): string | undefined =>
  /bin\/(wsproxy connect .*)/.exec(nextSteps(config, hints, "ws://127.0.0.1:8080/", 9000))?.[1];

test.each([
  [{ header: "x-api-key" }, `wsproxy connect ws://127.0.0.1:8080/ --key ${KEY}`],
  [{ header: "X-API-Key" }, `wsproxy connect ws://127.0.0.1:8080/ --key ${KEY}`],
  [{ query: "apikey" }, `wsproxy connect 'ws://127.0.0.1:8080/?apikey=${KEY}'`],
  [{ header: "x-other" }, `wsproxy connect ws://127.0.0.1:8080/ --header 'x-other: ${KEY}'`],
  [{ header: "authorization" }, `wsproxy connect ws://127.0.0.1:8080/ --header 'authorization: Bearer ${KEY}'`],
])("the command puts the key where the route looks for it: %o", (place, wanted) => {
  expect(command(taking(place))).toBe(wanted);
  expect(command(taking({ cookie: "key" }, place))).toBe(wanted);
});

test("the command prefers x-api-key, and has no key where the route takes only other places", () => {
  expect(command(taking({ query: "apikey" }, { header: "x-api-key" }))).toContain("--key");
  expect(command(taking({ subprotocol: "wsproxy.key" }))).toBe("wsproxy connect ws://127.0.0.1:8080/");
});
