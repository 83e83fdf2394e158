import { expect, test } from "vitest";
import { doubledHeaders, forwarding } from "./forwarding.ts";

const doubled = (settings: object): string[] =>
  doubledHeaders(forwarding.spec.parse(settings)).map((path) => path.join("."));
const set = (...names: string[]) => ({ set: names.map((name) => ({ name, value: "1" })) });

test.each([
  ["set beside the client header", { headers: set("x-a", "X-Wsproxy_Client") }, "headers.set.1.name"],
  ["set twice", { headers: set("x-a", "X.A") }, "headers.set.1.name"],
  ["set beside a claim", { headers: set("x_t"), claimHeaders: [{ claim: "t", header: "x-t" }] }, "headers.set.0.name"],
  [
    "two claims",
    {
      claimHeaders: [
        { claim: "a", header: "x-t" },
        { claim: "b", header: "x-t" },
      ],
    },
    "claimHeaders.1.header",
  ],
  [
    "a claim beside the client",
    { clientHeader: "x-t", claimHeaders: [{ claim: "a", header: "X-T" }] },
    "claimHeaders.0.header",
  ],
])("one header has one writer: %s", (_, settings, at) => {
  expect(doubled(settings)).toEqual([at]);
});

test("headers that are not alike may stand beside each other", () => {
  expect(doubled({ headers: set("x-a", "x-b"), claimHeaders: [{ claim: "t", header: "x-t" }] })).toEqual([]);
});
