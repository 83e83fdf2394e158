import { expect, test } from "vitest";
import { proxy, translated } from "../../../test/fakes/resources.ts";

const LIMITED = { authentication: { require: "None" }, connections: [{ per: "Client", limit: 5 }] };
const PER_SESSION = {
  authentication: { require: "None" },
  bytes: { fromClient: [{ per: "Connection", limit: 5, interval: "1s" }] },
};
const LOGIN = { credentialsSecretName: "login" };

function warnings(store: object, policies: object = LIMITED): string[] {
  const spec = { store: { address: "valkey:6379", ...store }, policies };
  const { warnings: told, status } = translated({ proxy: proxy(spec) });
  expect(status.conditions[0]?.status).toBe("True");
  return told.map(({ object, at, message }) => `${object} ${at}: ${message}`);
}

const IDLE =
  "no effect: no limit per Client, IP, Route or Proxy is in effect, and a limit per Connection needs no store; write a limit, or remove the store";

test("a store that no limit needs is warned of, with what it says about its absence", () => {
  expect(warnings({}, PER_SESSION)).toEqual([`WebSocketProxy demo/chat spec.store: has ${IDLE}`]);
  expect(warnings({ whenUnavailable: "Refuse" }, PER_SESSION)).toEqual([
    `WebSocketProxy demo/chat spec.store: the store, and so whenUnavailable: Refuse, has ${IDLE}`,
  ]);
});

test("a password that goes over a network in clear text is warned of", () => {
  expect(warnings(LOGIN)).toEqual([
    "WebSocketProxy demo/chat spec.store.credentialsSecretName: goes to valkey in clear text, since spec.store.tls is absent; write tls: {} for a certificate of a public CA, or tls: { caSecretName: … }",
  ]);
});

test.each<[string, object]>([
  ["a store that a limit needs", {}],
  ["with whenUnavailable: Refuse", { whenUnavailable: "Refuse" }],
  ["a password that goes over TLS", { ...LOGIN, tls: {} }],
  ["a password that stays in the pod", { ...LOGIN, address: "localhost:6379" }],
  ["the same by its address", { ...LOGIN, address: "127.0.0.1:6379" }],
  ["the same with IPv6", { ...LOGIN, address: "[::1]:6379" }],
])("nothing is warned of %s", (_what, store) => {
  expect(warnings(store)).toEqual([]);
});
