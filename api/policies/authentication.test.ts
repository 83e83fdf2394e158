import { expect, test } from "vitest";
import { authentication } from "./authentication.ts";

const problems = (header: string): string[] => {
  const apiKey = { from: [{ header }], secretSelector: { matchLabels: { a: "b" } } };
  const { error } = authentication.spec.safeParse({ apiKey });
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
};

test.each(["x-request-id", "X-Forwarded-For", "host", "Sec-WebSocket-Key"])(
  "%s is no place for a credential: it would reach the log or the backend",
  (header) => {
    expect(problems(header)).toEqual([
      "apiKey.from.0.header: must not be a header that the gateway itself writes; choose another",
    ]);
  },
);

test.each(["x-api-key", "authorization", "cookie"])("%s is a place for a credential", (header) => {
  expect(problems(header)).toEqual([]);
});

const entry = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { uri: "https://idp.test/keys" } };

test("a config of the version before, with one issuer and no list, is read as a list of one", () => {
  const list = authentication.rendered.parse({ jwt: [entry] });
  expect(authentication.rendered.parse({ jwt: entry })).toEqual(list);
  expect(list.jwt).toHaveLength(1);
  expect(authentication.rendered.parse({}).jwt).toBeUndefined();
});

test.each<[string, unknown]>([
  ["no issuer", []],
  ["one issuer twice", [entry, entry]],
  ["neither audiences nor claims", [{ ...entry, audiences: [] }]],
  ["a text", "https://idp.test/"],
  ["null", null],
])("%s is accepted neither of a user nor in a config", (_, jwt) => {
  expect(authentication.spec.safeParse({ jwt }).success).toBe(false);
  expect(authentication.rendered.safeParse({ jwt }).success).toBe(false);
});
