import { expect, test } from "vitest";
import { openEndpoint, textAnswer } from "./admin-endpoint.ts";
import { AdminPaths } from "./admin-paths.ts";

const named = (name: string) => openEndpoint(() => textAnswer(200, name));
const endpoints = {
  "/sessions": named("all"),
  "/sessions/close": named("close many"),
  "/sessions/{id}/close": named("close one"),
  "/files/{name}": named("file"),
  "/files/icon": named("icon"),
};
const paths = new AdminPaths(endpoints);

test.each<[string, string, string?]>([
  ["/sessions", "/sessions"],
  ["/sessions/close", "/sessions/close"],
  ["/sessions/abc/close", "/sessions/{id}/close", "abc"],
  ["/sessions/close/close", "/sessions/{id}/close", "close"],
  ["/sessions/%7Bid%7D/close", "/sessions/{id}/close", "{id}"],
  ["/sessions/{id}/close", "/sessions/{id}/close", "{id}"],
  ["/sessions/..%2F%00%F0%9F%98%80/close", "/sessions/{id}/close", "../\0😀"],
  [`/sessions/${"x".repeat(256)}/close`, "/sessions/{id}/close", "x".repeat(256)],
  ["/files/page.js", "/files/{name}", "page.js"],
  ["/files/icon", "/files/icon"],
])("%s leads to %s", (path, endpoint, segment) => {
  expect(paths.find(path)).toEqual({
    endpoint: endpoints[endpoint as keyof typeof endpoints],
    ...(segment === undefined ? {} : { segment }),
  });
});

test.each([
  ["/"],
  [""],
  ["/sessions/"],
  ["/sessions//close"],
  ["/sessions/a/b/close"],
  ["/sessions/close/"],
  ["/sessions/a/closed"],
  ["/sessions/%zz/close"],
  ["/sessions/%ff/close"],
  [`/sessions/${"x".repeat(257)}/close`],
  [`/sessions/${"%41".repeat(86)}/close`],
  ["/files/"],
  ["/files/a/b"],
  ["/toString"],
  ["/__proto__"],
  ["__proto__"],
])("%s leads nowhere", (path) => {
  expect(paths.find(path)).toBeUndefined();
});
