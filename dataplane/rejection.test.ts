import { readFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { expect, test } from "vitest";
import {
  CLOSE_CODES,
  closeText,
  codeOf,
  isPermissionLost,
  REJECTIONS,
  refusalOf,
  statusOf,
  type Reason,
} from "./rejection.ts";

const page = readFileSync(new URL("../docs/reference/reasons.md", import.meta.url), "utf8");
const [, before = "", after = ""] = page.split(/^## .*$/m);
const rows = (text: string): [string, number][] =>
  [...text.matchAll(/^\| ([A-Za-z]+) \| (\d+) \|/gm)].map(([, reason = "", number]) => [reason, Number(number)]);
const table = (field: "status" | "code"): [string, number][] =>
  Object.entries(REJECTIONS).flatMap(([reason, row]) =>
    field in row ? [[reason, (row as unknown as Record<string, number>)[field] ?? 0]] : [],
  );
const sorted = (list: [string, number][]) => list.toSorted(([a], [b]) => a.localeCompare(b));

test("the page of reasons lists exactly the statuses of the table", () => {
  expect(sorted(rows(before))).toEqual(sorted(table("status")));
});

test("the page of reasons lists exactly the close codes of the table", () => {
  expect(sorted(rows(after))).toEqual(sorted(table("code")));
});

test("a lost permission has a status before the 101 and a close code of IANA's range after it", () => {
  const lost = (Object.keys(REJECTIONS) as Reason[]).filter(isPermissionLost);
  expect(lost.toSorted()).toEqual([
    ...["ClaimMismatch", "CredentialExpired", "CredentialRevoked", "Denied", "ScopeMissing"],
  ]);
  for (const reason of lost as "Denied"[]) {
    expect(codeOf(reason)).toBeGreaterThanOrEqual(3000);
    const decided = { reason, policy: "deny", cause: "for the log" } as const;
    expect(refusalOf(decided)).toEqual(decided);
    expect(statusOf(refusalOf(decided))).toBeLessThan(404);
  }
});

test("the gateway's own close codes are those of the table", () => {
  expect(CLOSE_CODES).toEqual(new Set(table("code").map(([, code]) => code)));
});

test("a limit that all clients share answers 503, one of the client's own 429", () => {
  expect(statusOf({ reason: "ConnectionLimit" })).toBe(429);
  expect(statusOf({ reason: "ConnectionLimit", shared: true })).toBe(503);
});

test("the text of a Close frame names the reason and fits a control frame", () => {
  expect(closeText({ reason: "MessageRate", retryAfter: 3 })).toBe("MessageRate; retry-after=3");
  expect(closeText({ reason: "EndedByOperator" })).toBe("EndedByOperator");
  expect(closeText({ reason: "EndedByOperator", text: "bye" })).toBe("EndedByOperator; bye");
  for (const reason of Object.keys(REJECTIONS) as Reason[]) {
    if (!("code" in REJECTIONS[reason])) continue;
    const text = closeText({ reason: reason as "Draining", retryAfter: 999_999 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(123);
    expect(codeOf(reason as "Draining")).toBeGreaterThanOrEqual(1001);
  }
});

test("each sentence for the developer of a client is short, plain and one sentence, and each status has a phrase", () => {
  for (const [reason, row] of Object.entries(REJECTIONS)) {
    expect(row.detail, reason).toMatch(/^[A-Z][\x20-\x7e]{10,98}[^.]$/);
    if ("status" in row) expect(STATUS_CODES[row.status], reason).toMatch(/^[A-Z]/);
  }
});

test("the page of reasons shows the body of a refusal as it is sent", () => {
  const shown = JSON.parse(/^\{"type".*\}$/m.exec(page)?.[0] ?? "{}") as Record<string, unknown>;
  expect(shown).toMatchObject({
    ...{ type: "https://wsproxy.dev/problems/CredentialMissing", title: "Unauthorized", status: 401 },
    ...{ reason: "CredentialMissing", detail: REJECTIONS.CredentialMissing.detail },
  });
});
