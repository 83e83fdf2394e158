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
