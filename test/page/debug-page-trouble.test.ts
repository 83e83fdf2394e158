import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BROWSER, launchBrowser } from "../fakes/browser.ts";
import { until } from "../fakes/sockets.ts";
import { Visit } from "./visit.ts";

describe.skipIf(BROWSER === undefined)("the debug page, where something is wrong", () => {
  let browser: Browser;
  let visit: Visit;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => visit.end());

  const notice = (): Promise<string> => visit.page.locator("#notice").innerText();
  const noticed = (words: RegExp): Promise<void> => until(`it says ${words}`, async () => words.test(await notice()));

  const MARKS = "\u202Egnp.exe\u2066";
  const HOSTILE = [
    ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ["<script>alert(1)</script>", "<script>alert(1)</script>"],
    ["\u001b[31mred\u001b[0m", "␛[31mred␛[0m"],
    [MARKS, "‹U+202E›gnp.exe‹U+2066›"],
    ["a\nb\u0000c", "a␊b␀c"],
    ["javascript:alert(1)//", "javascript:alert(1)//"],
  ] as const;

  test("script-like and control-laden texts of clients are text, in the list, the panel and the dialog", async () => {
    visit = await Visit.live(browser, { prepare: (it) => (it.watching = { payload: true }) });
    for (const [at, [text]] of HOSTILE.entries()) {
      const names = { client: text, route: text, host: text, path: text, cause: text, endpoint: text, requestId: text };
      visit.server.open(`s-${at}`, { client: text, subprotocol: text });
      visit.server.handshake({ ...names, session: `s-${at}`, steps: [{ name: text, verdict: text, reason: text }] });
      visit.server.emit("timeline", { session: `s-${at}`, what: text, reason: text });
    }
    await visit.rowsAre("all are there", (rows) => rows.length === HOSTILE.length);
    for (const [at, [text, shown]] of HOSTILE.entries()) {
      const row = visit.page
        .locator("#rows .row")
        .filter({ has: visit.page.getByText(shown, { exact: true }) })
        .first();
      expect(
        await row
          .locator(".client bdi")
          .first()
          .evaluate((it) => it.textContent),
      ).toBe(shown);
      await row.click();
      const panel = await visit.page.locator("#panel").evaluate((it) => it.textContent ?? "");
      expect(panel.split(shown).length).toBeGreaterThan(8);
      await visit.page.getByRole("button", { name: "Close this session…" }).click();
      expect(
        await visit.page
          .locator("dialog bdi")
          .first()
          .evaluate((it) => it.textContent),
      ).toBe(shown);
      await visit.page.getByRole("button", { name: "Keep it" }).click();
      await visit.page.getByRole("button", { name: "Watch frames" }).click();
      await until("a trace is open", () => visit.server.traces.length === at + 1);
      visit.server.emit("frame", {
        session: "s",
        direction: text,
        opcode: 1,
        fin: true,
        size: 1,
        verdict: text,
        payload: text,
      });
      await until("a frame is there", async () => (await visit.page.locator("#panel .frame .payload").count()) === 1);
      expect(await visit.page.locator("#panel .frame .payload").evaluate((it) => it.textContent)).toBe(shown);
    }
    for (const [at, [text]] of HOSTILE.entries())
      visit.server.emit("closed", { session: `s-${at}`, code: 4000, reason: text, by: text, duration: 1, cause: text });
    await visit.rowsAre("all have ended", (rows) => rows.every((row) => row.includes("4000")));
    const made = await visit.page.evaluate(
      () => document.querySelectorAll("img, script:not([src]), iframe, object, a").length,
    );
    expect([made, visit.complaints]).toEqual([0, []]);
    const plain = await visit.page
      .locator("#rows bdi")
      .evaluateAll((all) =>
        all.every(
          (it) => getComputedStyle(it).unicodeBidi === "isolate" && !/[\p{Cc}\p{Cf}]/u.test(it.textContent ?? ""),
        ),
      );
    expect(plain).toBe(true);
  });

  test("texts of a megabyte are cut, and the list stays quick", async () => {
    visit = await Visit.live(browser);
    const huge = "<b>\u202E".repeat(250_000);
    visit.server.handshake({ client: huge, session: huge.slice(0, 64), path: huge });
    visit.server.handshake({ client: "last" });
    await visit.rowsAre("both are there", (rows) => rows.length === 2);
    const text = await visit.page.locator("#rows").evaluate((it) => it.textContent?.length ?? 0);
    expect(text).toBeLessThan(5000);
    await visit.page.locator("#rows .row").filter({ hasText: "<b>" }).click();
    expect((await visit.panel()).length).toBeLessThan(20_000);
    expect(await visit.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(visit.complaints).toEqual([]);
  });

  test("a wrong token is told of, and a pasted link helps", async () => {
    visit = await Visit.begin(browser);
    await visit.page.evaluate(() => sessionStorage.clear());
    await visit.page.goto(`${visit.server.url}/debug#token=wrong`);
    await noticed(/does not accept this token/);
    expect(visit.page.url()).toBe(`${visit.server.url}/debug`);
    const asked = visit.server.refused;
    await visit.page.waitForTimeout(1500);
    expect(visit.server.refused).toBe(asked);
    await visit.page.getByLabel("Link or token").fill(visit.server.link);
    await visit.page.keyboard.press("Enter");
    await until("it watches", async () => (await visit.state()) === "live");
    expect(await visit.page.locator("#notice").isHidden()).toBe(true);
  });

  test("without a token it says where to find one", async () => {
    visit = await Visit.begin(browser);
    await visit.page.evaluate(() => sessionStorage.clear());
    await visit.page.goto(`${visit.server.url}/debug?again`);
    await noticed(/needs the admin token[^]*wsproxy standalone/);
    await visit.page.goto(visit.server.link);
    await until("it watches", async () => (await visit.state()) === "live");
  });

  test("what the server says of five watchers, and of no pod, is shown, and it tries again by itself", async () => {
    const refusal = (status: number, body: string) => ({ status, contentType: "text/plain", body });
    visit = await Visit.begin(browser, {
      prepare: (it) => (it.refusal = refusal(503, "5 streams of events and frames are open already\n")),
    });
    await noticed(/Too many watchers already[^]*5 streams of events and frames are open already\./);
    visit.server.refusal = refusal(502, "no pod answers: chat-1: timeout\n");
    await noticed(/No answer from the gateway[^]*no pod answers: chat-1: timeout/);
    visit.server.refusal = undefined;
    await until("it watches", async () => (await visit.state()) === "live");
    expect(await visit.page.locator("#notice").isHidden()).toBe(true);
  });

  test("a stream that ends begins again, without rows of before being lost or doubled", async () => {
    visit = await Visit.live(browser);
    const fields = { client: "alice", requestId: "r-1", at: new Date().toISOString() };
    visit.server.handshake(fields);
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    visit.server.past.push(fields);
    visit.server.endStreams();
    await until("it has ended", () => visit.server.watchers === 0);
    await until("it watches again", async () => visit.server.watchers === 1 && (await visit.state()) === "live");
    expect(await visit.rows()).toHaveLength(1);
  });

  test("an empty list says what to do", async () => {
    visit = await Visit.live(browser);
    expect(await visit.page.locator("#empty").innerText()).toContain("Connect a client through the gateway.");
  });

  test("an attacker's page on another origin gets nothing", async () => {
    visit = await Visit.live(browser);
    visit.server.open("s-1", { client: "alice" });
    const target = visit.server.url;
    const evil: Server = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(
        `<!doctype html><iframe src="${target}/debug"></iframe><link rel=stylesheet href="${target}/debug/page.css">`,
      );
    });
    await new Promise<void>((opened) => evil.listen(0, "127.0.0.1", opened));
    const attacker = await visit.page.context().newPage();
    await attacker.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const got = await attacker.evaluate(
      async ([url = "", token = ""]) => {
        const tried = async (what: () => Promise<unknown>): Promise<string> => {
          try {
            return JSON.stringify(await what());
          } catch {
            return "refused";
          }
        };
        const authorization = `Bearer ${token}`;
        const text = async (path: string, init?: RequestInit): Promise<string> =>
          (await fetch(url + path, init)).text();
        const script = (type: string): Promise<string> =>
          new Promise((loaded, failed) => {
            const element = document.createElement("script");
            Object.assign(element, {
              type,
              src: `${url}/debug/token.js`,
              onload: () => loaded("loaded"),
              onerror: failed,
            });
            document.head.append(element);
          });
        return [
          await tried(() => text("/sessions")),
          await tried(() => text("/sessions", { headers: { authorization } })),
          await tried(() => text("/debug/events", { headers: { authorization } })),
          await tried(() => text("/sessions/s-1/close", { method: "POST", mode: "no-cors" })),
          await tried(() => text("/debug", { mode: "no-cors" })),
          await tried(() => script("text/javascript")),
          await tried(() => script("module")),
          await tried(async () => frames[0]?.document.body.innerText),
        ];
      },
      [target, visit.server.token],
    );
    expect(got).toEqual(["refused", "refused", "refused", '""', "refused", "refused", "refused", "refused"]);
    expect([visit.server.closes, visit.server.sessions.size]).toEqual([[], 1]);
    const framed = attacker.frames().find((frame) => frame !== attacker.mainFrame());
    expect(await framed?.locator("#list").count()).toBe(0);
    await attacker.close();
    evil.closeAllConnections();
    evil.close();
  });
});
