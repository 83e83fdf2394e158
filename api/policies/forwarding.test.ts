import { expect, test } from "vitest";
import { forwarding } from "./forwarding.ts";

const problems = (settings: object): string[] =>
  forwarding.spec.safeParse(settings).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
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
  expect(problems(settings)).toEqual([
    `${at}: is set twice (names that differ in case, _ . and - only are alike); choose another`,
  ]);
});

test("headers that are not alike may stand beside each other", () => {
  expect(problems({ headers: set("x-a", "x-b"), claimHeaders: [{ claim: "t", header: "x-t" }] })).toEqual([]);
});
