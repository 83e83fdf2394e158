import { describe, expect, test } from "vitest";
import { proxy, route, translated } from "../../test/fakes/resources.ts";
import { LONGEST_MESSAGE } from "./status.ts";
import type { Translation } from "./translation.ts";

const policies = (more: object = {}): object => ({ authentication: { require: "None" }, ...more });
const LIMITED = policies({ connections: [{ per: "Client", limit: 5 }] });
const STORE = { address: "valkey:6379" };
const SIDECAR = {
  mode: "Sidecar",
  sidecar: { selector: { matchLabels: { app: "chat" } } },
  routes: [route("main", { backends: [{ port: 3000 }] })],
};

const accepted = ({ status }: Translation) => status.conditions[0];
const of = (spec: object): Translation => translated({ proxy: proxy(spec) });
const words = (spec: object): string => accepted(of(spec))?.message ?? "";

const COUNT = "The spec is valid. Limits per Client, IP, Route and Proxy count in each";
const END = "; spec.store counts over all pods.";

test.each<[string, object, string]>([
  [
    "3 replicas",
    { gateway: { replicas: 3 } },
    `${COUNT} of the 3 pods by itself, so together they can let through 3 times as much${END}`,
  ],
  [
    "1 replica",
    { gateway: { replicas: 1 } },
    `${COUNT} pod by itself: with 1 pod they hold, but for the time of a rollout, in which a second pod counts for itself${END}`,
  ],
  ["no pod", { gateway: { replicas: 0 } }, `${COUNT} pod by itself${END}`],
  [
    "no number",
    {},
    `${COUNT} pod by itself, so N pods together can let through N times as much. Without spec.gateway.replicas the Deployment is made with 2 pods, and an autoscaler or kubectl scale decides how many there are${END}`,
  ],
  [
    "mode Sidecar",
    SIDECAR,
    `${COUNT} of your pods by itself, so N pods together can let through N times as much${END}`,
  ],
])("Accepted says what limits mean with %s, and stays True with its reason", (_what, spec, message) => {
  const now = of({ policies: LIMITED, ...spec });
  expect(accepted(now)).toMatchObject({ status: "True", reason: "Accepted", message });
  expect(now.notes).toEqual([
    { object: "WebSocketProxy demo/chat", at: "spec.store", message: message.slice("The spec is valid. ".length) },
  ]);
  expect([now.warnings, now.status.problems]).toEqual([[], []]);
});

const rate = (per: string): object => ({ per, limit: 1, interval: "1s" });

describe("a limit that needs every pod", () => {
  test.each<[string, object]>([
    ["attempts", { attempts: [rate("Proxy")] }],
    ["connections", { connections: [{ per: "IP", limit: 1 }] }],
    ["messages of clients", { messages: { fromClient: [rate("Connection"), rate("Client")] } }],
    ["messages of backends", { messages: { fromBackend: [rate("Route")] } }],
    ["bytes of clients", { bytes: { fromClient: [rate("IP")] } }],
    ["bytes of backends", { bytes: { fromBackend: [rate("Client")] } }],
  ])("may be one of %s, in spec.policies and in a route", (_what, limit) => {
    expect(words({ policies: policies(limit) })).toMatch(/^The spec is valid\. Limits per/);
    expect(words({ routes: [route("a"), route("b", { policies: limit })] })).toMatch(/^The spec is valid\. Limits per/);
  });

  test.each<[string, object]>([
    ["no limit", {}],
    ["limits per Connection alone", { policies: policies({ messages: { fromClient: [rate("Connection")] } }) }],
    ["lists without a limit", { policies: policies({ connections: [], bytes: {} }) }],
    [
      "a limit that every route replaces",
      { policies: LIMITED, routes: [route("a", { policies: { connections: [] } })] },
    ],
    ["a store", { policies: LIMITED, store: STORE }],
  ])("is none with %s, and nothing is said", (_what, spec) => {
    const now = of(spec);
    expect([accepted(now)?.message, now.notes]).toEqual(["The spec is valid.", []]);
  });

  test("is none in a route that is not accepted", () => {
    const wrong = route("b", { path: { value: "b" }, policies: { connections: [{ per: "Client", limit: 1 }] } });
    expect(words({ routes: [route("a"), wrong] })).not.toContain("Limits per");
  });
});

test("what is wrong with some routes comes first, and both are within the bound of a message", () => {
  const wrong = (name: string): object => route(name, { path: { value: name } });
  const some = of({ policies: LIMITED, routes: [route("a"), wrong("b")] });
  expect(accepted(some)).toMatchObject({ status: "True", reason: "PartiallyAccepted" });
  expect(accepted(some)?.message).toMatch(
    /; the rest work\. spec\.routes\[1\]\.path\.value: .*UTF-8\. Limits per .*pods\.$/,
  );
  const many = Array.from({ length: 100 }, (_, at) => wrong(`b${at}`));
  const message = words({ policies: LIMITED, routes: [route("a"), ...many] });
  expect(message.length).toBeLessThanOrEqual(LONGEST_MESSAGE);
  expect(message).toMatch(/spec\.routes\[1\].* and \d+ more\. Limits per .*pods\.$/);
});

test("of a spec that is not accepted only its mistakes are said", () => {
  const now = of({ policies: LIMITED, unknown: 1 });
  expect([accepted(now)?.status, now.notes]).toEqual(["False", []]);
  expect(accepted(now)?.message).not.toContain("Limits per");
});
