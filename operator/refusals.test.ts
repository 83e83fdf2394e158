import { expect, test } from "vitest";
import { ApiError } from "./kube/api-error.ts";
import { refusedBy } from "./pass-result.ts";
import { FOREIGN, Refusals, wordsOf, type Failure } from "./refusals.ts";

const CALL = { method: "PATCH", path: "/x" } as const;

function failure(status: number, reason = "Why", words = "the words", name = "wsproxy-chat"): Failure {
  return { kind: "Service", name, error: new ApiError(CALL, status, reason, words) };
}

test.each([400, 403, 404, 405, 413, 415, 422])("a refusal with %d is told at once", (status) => {
  const it = failure(status);
  expect(new Refusals().told("demo/chat", [it])).toEqual([it]);
});

test("a name that another owner holds is reported at once", () => {
  expect(new Refusals().told("demo/chat", [failure(0, FOREIGN)])).toHaveLength(1);
});

test.each([500, 502, 503, 504, 409, 408, 0])(
  "a failure with %d is told in the second pass in a row, and not before",
  (status) => {
    const it = new Refusals();
    const told = (...failures: Failure[]): number => it.told("demo/chat", failures).length;
    expect([told(failure(status)), told(failure(status)), told(failure(status))]).toEqual([0, 1, 1]);
    // A pass without it begins the count anew, and so does another object, another proxy, a proxy that was gone.
    expect([told(), told(failure(status))]).toEqual([0, 0]);
    expect(told(failure(status, "Why", "words", "another"))).toBe(0);
    expect(it.told("demo/other", [failure(status, "Why", "words", "another")])).toEqual([]);
    it.forget("demo/chat");
    expect(told(failure(status, "Why", "words", "another"))).toBe(0);
  },
);

test("the words name the object and quote the API server, at a length that leaves room for others", () => {
  expect(wordsOf(failure(403, "Forbidden", "exceeded quota: small"))).toBe(
    "Service wsproxy-chat: 403 Forbidden: exceeded quota: small",
  );
  expect(wordsOf(failure(0, FOREIGN, "there is another"))).toBe("Service wsproxy-chat: there is another");
  // How long it was waited for differs from pass to pass, and a status must not.
  expect(wordsOf(failure(0, "TimedOut", "no answer within 9187 ms"))).toBe(
    "Service wsproxy-chat: the API server did not answer in time",
  );
  const long = wordsOf(failure(422, "Invalid", `${"a".repeat(298)}😀${"b".repeat(900)}`));
  expect(long.length).toBeLessThan(400);
  expect(long.isWellFormed()).toBe(true);
});

test("the wait that the API server asks for holds for refused objects too", () => {
  const busy = new ApiError(CALL, 503, "ServiceUnavailable", "later", 7000);
  expect(refusedBy(["Service x"], busy)).toMatchObject({ result: "refused", words: "Service x", leastWait: 7000 });
  expect(refusedBy(["Service x"], undefined)).toMatchObject({ result: "refused", leastWait: 0 });
});
