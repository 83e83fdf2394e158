import { expect, test } from "vitest";
import { Answered, problemOf } from "./problems.js";

const ORIGIN = "http://127.0.0.1:9090";

test.each([
  [new TypeError("Failed to fetch"), `Nothing answers at ${ORIGIN}`, false],
  [new Answered(401, "wants the header"), "The gateway does not accept this token", true],
  [new Answered(421, ""), "This page was opened by a name", false],
  [new Answered(429, "five watchers"), "Too many watchers already", false],
  [
    new Answered(503, "5 streams of events and frames are open already; end one of them, then try again"),
    "Too many watchers already",
    false,
  ],
  [new Answered(404, "not found"), "This gateway has no stream of events", false],
  [new Answered(502, "no pod answers: chat-1: timeout"), "No answer from the gateway", false],
  [new Answered(400, "unknown parameter"), "The gateway refuses the request (400)", false],
])("%s says what is wrong and what to do", (error, title, wantsToken) => {
  const problem = problemOf(error, ORIGIN);
  expect(problem).toMatchObject({ title, wantsToken });
  expect(problem.advice).toMatch(/\.$/);
});

test("what the server says stands in the advice", () => {
  expect(problemOf(new Answered(502, "no pod answers: chat-1: timeout"), ORIGIN).advice).toContain(
    "no pod answers: chat-1: timeout",
  );
});
