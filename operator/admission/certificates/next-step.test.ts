import { beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../../../test/fakes/certificates.ts";
import { leastTime } from "../../../test/fakes/least-time.ts";
import { bundleOf, casIn } from "./bundle.ts";
import { issue } from "./issue.ts";
import { nextStep, type Situation } from "./next-step.ts";
import { pairIn, type Pair } from "./pair.ts";

const HOST = "operator-webhook.wsproxy-system.svc";
const NOW = Date.parse("2026-01-01T00:00:00Z");
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let [old, young, third]: Pair[] = [];

async function pair(now: number): Promise<Pair> {
  const made = pairIn(await issue(HOST, now), HOST);
  if (made === undefined) throw new Error("not usable");
  return made;
}

beforeAll(async () => {
  [old, young, third] = [await pair(NOW), await pair(NOW), await pair(NOW)];
});

/** `old` is served and trusted, and nothing has changed for a day. */
function at(
  parts: Partial<Situation> & { readonly current?: Pair | undefined; readonly next?: Pair | undefined } = {},
) {
  const { current = old, next, ...rest } = parts;
  const stored = { current: "current" in parts ? parts.current : current, next };
  return nextStep({ now: NOW, stored, served: old, bundle: bundle(old), unchangedFor: DAY, ...rest });
}

const bundle = (...pairs: readonly (Pair | undefined)[]): string => bundleOf(pairs.map((one) => one?.ca ?? ""));

describe("the next step", () => {
  test("is to issue: where there is no pair, and from 60 days on", () => {
    expect(at({ current: undefined })).toEqual({ kind: "Issue" });
    expect(at({ now: NOW + 60 * DAY - 1000 })).toMatchObject({ kind: "Rest" });
    expect(at({ now: NOW + 60 * DAY })).toEqual({ kind: "Issue" });
    expect(at({ now: NOW + 200 * DAY })).toEqual({ kind: "Issue" });
    expect(at({ now: NOW - 2 * DAY })).toEqual({ kind: "Issue" });
  });

  test("is to issue anew where the next pair has expired before it was promoted", () => {
    expect(at({ next: young, now: NOW + 90 * DAY })).toEqual({ kind: "Issue" });
  });

  test("is to issue even where no webhook is there to trust it, and nothing more", () => {
    expect(at({ current: undefined, bundle: undefined })).toEqual({ kind: "Issue" });
    expect(at({ next: young, bundle: undefined })).toMatchObject({ kind: "Rest" });
  });

  test("is to trust the next CA beside the current one", () => {
    expect(at({ next: young })).toEqual({ kind: "Trust", bundle: bundle(old, young) });
  });

  test("is to promote a minute after both are trusted", () => {
    const next = { next: young, bundle: bundle(old, young) };
    expect(at({ ...next, unchangedFor: 0 })).toEqual({ kind: "Rest", lookAgainAfter: MINUTE });
    expect(at({ ...next, unchangedFor: MINUTE - 1 })).toEqual({ kind: "Rest", lookAgainAfter: 1 });
    expect(at({ ...next, unchangedFor: MINUTE })).toEqual({ kind: "Promote" });
  });

  test("is to drop the old CA ten minutes after the promotion", () => {
    const promoted = { current: young, served: young, bundle: bundle(young, old) };
    expect(at({ ...promoted, unchangedFor: MINUTE })).toEqual({ kind: "Rest", lookAgainAfter: 9 * MINUTE });
    expect(at({ ...promoted, unchangedFor: 10 * MINUTE })).toEqual({ kind: "Trust", bundle: bundle(young) });
  });

  test("never drops a CA while a pair waits for its promotion", () => {
    expect(at({ current: undefined, next: young, bundle: bundle(old) })).toEqual({
      kind: "Trust",
      bundle: bundle(young, old),
    });
    const waiting = { current: old, next: young, bundle: bundle(old, young, third) };
    expect(at(waiting)).toEqual({ kind: "Promote" });
  });

  test("trusts what this process serves, though it is in no Secret and no bundle any more", () => {
    expect(at({ current: undefined, next: young, bundle: "" })).toEqual({ kind: "Trust", bundle: bundle(young, old) });
  });

  test("is to look again when the pair is due, and within an hour, since the wall clock may be set", () => {
    expect(at()).toEqual({ kind: "Rest", lookAgainAfter: 60 * MINUTE });
    expect(at({ now: NOW + 60 * DAY - 5000 })).toEqual({ kind: "Rest", lookAgainAfter: 5000 });
  });
});

describe("a bundle", () => {
  test("has its CAs in one spelling, without what is no certificate, has expired, or stands there twice", async () => {
    const expired = await pair(NOW - 91 * DAY);
    const text = `# hello\n${old?.ca.replaceAll("\n", "\r\n")}${bundle(old, expired)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${young?.ca}`;
    expect(casIn(text, NOW)).toEqual([old?.ca, young?.ca]);
  });

  test("is read up to its first 32 CAs, and 256 KiB", async () => {
    const many = await Promise.all(Array.from({ length: 33 }, (_, n) => Authority.create(`CA ${n}`)));
    expect(casIn(many.map(({ ca }) => `${ca}\n`).join(""), Date.now())).toHaveLength(32);
    expect(casIn(`${" ".repeat(262_144)}${old?.ca}`, NOW)).toEqual([]);
  });

  test("of a megabyte of beginnings takes no more than a moment", () => {
    const beginnings = "-----BEGIN CERTIFICATE-----\n".repeat(40_000);
    expect(casIn(beginnings, NOW)).toEqual([]);
    expect(leastTime(() => void casIn(beginnings, NOW))).toBeLessThan(500);
  });
});
