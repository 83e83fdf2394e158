import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BROWSER, launchBrowser } from "../fakes/browser.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";
import { freezes } from "./freezes.ts";
import { Visit } from "./visit.ts";

const TEXTS = [
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
  ["\u001b[2Jred", "␛[2Jred"],
  ["\u202Egnp.exe", "‹U+202E›gnp.exe"],
] as const;

describe.skipIf(BROWSER === undefined)("the debug page and pods with hostile names and words", () => {
  let browser: Browser;
  let visit: Visit;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => visit.end());

  const texts = (selector: string): Promise<string[]> =>
    visit.page.locator(selector).evaluateAll((all) => all.map((it) => it.textContent ?? ""));
  const failures = TEXTS.map(([text]) => ({ pod: text, message: text }));

  test("names of pods and what is said of them are text, wherever they stand", async () => {
    const config = {
      proxies: TEXTS.map(([text]) => ({ pod: `x${text}`, proxy: text, rejected: { problems: [text] } })),
    };
    visit = await Visit.live(browser, { prepare: (it) => Object.assign(it, { failures, config }) });
    visit.server.emit("pods", { pods: ["a"], failures: [] });
    visit.server.emit("pods", { pods: ["a", TEXTS[0][0]], failures });
    for (const [text] of TEXTS.slice(0, 2)) visit.server.emit("trouble", { message: `all: ${text}` });
    await until("the news", async () => (await texts("#news"))[0] === `${TEXTS[0][1]} joined`);
    await until("all are there", async () => (await texts("#troubles li")).length === 5, 10_000);
    const told = (await texts("#troubles")).join();
    for (const [, shown] of TEXTS) expect(told.split(shown).length, shown).toBeGreaterThan(2);
    await until("what is served", async () => (await texts("#served li")).length === 6);
    const served = (await texts("#served")).join();
    for (const [, shown] of TEXTS) expect(served.split(shown).length, shown).toBeGreaterThan(4);
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1", pod: TEXTS[1][0] });
    await visit.rowsAre("the row", ([row = ""]) => row.includes(TEXTS[1][1]));
    await visit.page.locator("#rows .row").click();
    await visit.page.getByRole("button", { name: "Close this session…" }).click();
    await visit.page.getByRole("button", { name: "Close the session" }).click();
    await until("the answer", async () => (await texts("dialog .failures li")).length === 3);
    expect(await texts("dialog .failures li")).toEqual(TEXTS.map(([, shown]) => `${shown} ${shown}`));
    await visit.page.getByRole("button", { name: "Done" }).click();
    visit.server.emit("pods", { pods: [], failures });
    await until("no pod answers", async () => (await visit.state()) === "no pod answers");
    const made = await visit.page.evaluate(() => document.querySelectorAll("img, script:not([src]), iframe").length);
    const [body = ""] = await texts("body");
    expect([made, /[\p{Cf}]|\p{Cc}(?<!\s)/u.test(body), visit.complaints]).toEqual([0, false, []]);
  });

  test("a thousand pods in trouble, each with a megabyte of words, are a few short notices", async () => {
    visit = await Visit.live(browser, { width: 390 });
    const huge = "<b>\u202E".repeat(250_000);
    visit.server.emit("trouble", { pod: huge, message: huge });
    visit.server.emit("trouble", { message: huge });
    visit.server.emit("closed", { session: "s", code: 4000, reason: huge, cause: huge, by: huge, duration: 1 });
    const many = Array.from({ length: 1000 }, (_, at) => ({ pod: `pod-${at}`, message: "m".repeat(100) }));
    visit.server.emit("pods", { pods: many.map(({ pod }) => `w-${pod}`), failures: many });
    await until("they are there", async () => (await texts("#troubles li")).length === 6, 10_000);
    expect((await texts("#troubles li")).at(-1)).toMatch(/^and \d+ more/);
    expect((await texts("body")).join().length).toBeLessThan(30_000);
    expect(await visit.page.evaluate(() => document.documentElement.scrollWidth <= 390)).toBe(true);
    const list = await visit.page.locator("#list").boundingBox();
    expect(list?.height, "the list still has room").toBeGreaterThan(100);
    visit.server.failures = many;
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("the row", (rows) => rows.some((row) => row.includes("alice")));
    await visit.page.locator("#rows .row").filter({ hasText: "alice" }).click();
    await visit.page.getByRole("button", { name: "Close this session…" }).click();
    await visit.page.getByRole("button", { name: "Close the session" }).click();
    await until("the answer", async () => (await texts("dialog .failures li")).length === 11);
    expect((await texts("dialog .failures li")).at(-1)).toBe("and 990 more");
    await visit.page.getByRole("button", { name: "Done" }).click();
    expect(visit.complaints).toEqual([]);
  });

  test("pods that flap, and a flood of troubles, do not freeze it", async () => {
    visit = await Visit.live(browser);
    const pods = Array.from({ length: 200 }, (_, at) => `pod-${at}`);
    let turn = 0;
    const flood = (): void => {
      turn += 1;
      const failed = pods.filter((_, at) => (at + turn) % 2).map((pod) => ({ pod, message: `turn ${turn}` }));
      visit.server.emit("pods", { pods: pods.filter((_, at) => (at + turn + 1) % 2), failures: failed });
      for (const { pod } of failed.slice(0, 25)) visit.server.emit("trouble", { pod, message: `words ${turn}` });
    };
    const round = () => freezes(visit.page, flood);
    expect(await tooMuchInEachRound({ milliseconds: 100 }, round)).toEqual({});
    expect(visit.complaints).toEqual([]);
  });

  test("what is about all pods can be dismissed, and a stream of one process that works again takes it away", async () => {
    visit = await Visit.live(browser);
    visit.server.emit("trouble", { message: "no process answers at 127.0.0.1:9090" });
    await until("it is told", async () => (await texts("#troubles li")).length === 1);
    await visit.page.getByRole("button", { name: "Dismiss this notice" }).click();
    await until("it is gone", () => visit.page.locator("#troubles").isHidden());
    visit.server.emit("trouble", { message: "no process answers at 127.0.0.1:9090" });
    await until("it is told again", async () => (await texts("#troubles li")).length === 1);
    visit.server.emit("watching", { proxies: ["demo/chat"], payload: false });
    await until("it is over", () => visit.page.locator("#troubles").isHidden());
  });
});
