import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BROWSER, launchBrowser } from "../fakes/browser.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";
import { freezes } from "./freezes.ts";
import { Visit } from "./visit.ts";

describe.skipIf(BROWSER === undefined)("the debug page in a person's hands", () => {
  let browser: Browser;
  let visit: Visit;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => {
    named = 0;
    return visit.end();
  });

  let named = 0;
  const many = (count: number): string =>
    Array.from({ length: count }, () => {
      const at = named++;
      const fields = visit.server.handshakeFields({
        client: `client-${at}`,
        ...(at % 3 ? { session: `s-${at}` } : {}),
      });
      return `event: handshake\ndata: ${JSON.stringify(fields)}\n\n`;
    }).join("");
  const index = (name: string): Promise<string | null> =>
    visit.page.locator("#rows .row").filter({ hasText: name }).first().getAttribute("aria-rowindex");

  test("keys move in the list, open a row, close it, and lead to the filter", async () => {
    visit = await Visit.live(browser);
    for (const client of ["third", "second", "first"]) visit.server.handshake({ client });
    await visit.rowsAre("all are there", (rows) => rows.length === 3);
    await visit.page.locator("#list").focus();
    const selected = async (): Promise<string> => {
      const id = await visit.page.locator("#list").getAttribute("aria-activedescendant");
      const row = visit.page.locator(`#${id}`);
      expect(await row.getAttribute("aria-selected")).toBe("true");
      return (await row.locator(".client").innerText()).trim();
    };
    const { keyboard } = visit.page;
    await keyboard.press("ArrowDown");
    expect(await selected()).toBe("first");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    expect(await selected()).toBe("third");
    await keyboard.press("ArrowUp");
    await keyboard.press("Enter");
    expect([await visit.focused(), await visit.page.locator("#panel h2").innerText()]).toEqual([
      "panel-title",
      "second",
    ]);
    await keyboard.press("Escape");
    expect([await visit.focused(), await visit.page.locator("#panel").isHidden()]).toEqual(["list", true]);
    await keyboard.press("Enter");
    await visit.page.locator("#list").focus();
    await keyboard.press("Home");
    expect(await visit.page.locator("#panel h2").innerText()).toBe("first");
    await keyboard.press("/");
    expect(await visit.focused()).toBe("filter");
    await keyboard.type("a/b");
    expect(await visit.page.getByLabel("Filter").inputValue()).toBe("a/b");
    expect(visit.complaints).toEqual([]);
  });

  test("keys alone are enough to find a session and to close it", async () => {
    visit = await Visit.live(browser);
    visit.server.open("s-1", { client: "alice" });
    for (const client of ["bob", "alice", "carol"])
      visit.server.handshake({ client, ...(client === "alice" ? { session: "s-1" } : {}) });
    await visit.rowsAre("all are there", (rows) => rows.length === 3);
    const { keyboard } = visit.page;
    await keyboard.press("/");
    await keyboard.type("client:ali");
    await visit.rowsAre("one is left", (rows) => rows.length === 1);
    for (const key of ["Enter", "ArrowDown", "Enter", "Tab", "Tab", "Tab", "Enter"]) await keyboard.press(key);
    expect(await visit.focused()).toBe("closing-text");
    await keyboard.type("bye");
    await keyboard.press("Enter");
    await visit.rowsAre("it has ended", ([row = ""]) => row.endsWith("1008 EndedByOperator · gateway"));
    expect(visit.server.closes).toEqual([{ id: "s-1", reason: "bye" }]);
    await until("the answer is there", async () =>
      (await visit.page.locator("dialog h2").innerText()).includes("told"),
    );
    await keyboard.press("Enter");
    expect(await visit.page.locator("dialog[open]").count()).toBe(0);
    await keyboard.press("Escape");
    expect(await visit.page.locator("#panel").isHidden()).toBe(true);
    expect(visit.complaints).toEqual([]);
  });

  test("a screen reader gets names, roles and where it is", async () => {
    visit = await Visit.live(browser);
    visit.server.open("s-1", { client: "alice", messages: { fromClient: 3, fromBackend: 4 } });
    visit.server.handshake({ client: "alice", session: "s-1" });
    visit.server.handshake({ client: "bob" });
    await visit.rowsAre("the counts are there", (rows) => rows.some((row) => row.includes("↑ 3")));
    const { page } = visit;
    const list = page.getByRole("grid", { name: "Connections, the newest first" });
    expect(await list.getByRole("columnheader").allInnerTexts()).toHaveLength(9);
    expect(await list.getByRole("gridcell", { name: "messages: 3 from the client, 4 from the backend" }).count()).toBe(
      1,
    );
    expect([await list.getAttribute("aria-rowcount"), await index("bob"), await index("alice")]).toEqual([
      "3",
      "2",
      "3",
    ]);
    expect(await page.getByRole("search").getByRole("radio", { name: "Refused" }).count()).toBe(1);
    expect(await page.getByRole("status").and(page.locator("#state")).innerText()).toBe("live");
    await until("the refusal is announced", async () =>
      (await page.locator("[aria-live=polite]").innerText()).includes("bob, 401 CredentialMissing"),
    );
    const unnamed = await page.evaluate(
      () =>
        [...document.querySelectorAll<HTMLElement>("button, input")].filter(
          (it) => !it.ariaLabel && !it.innerText && !(it instanceof HTMLInputElement && it.labels?.length),
        ).length,
    );
    expect(unnamed).toBe(0);
  });

  test("10,000 rows are a few elements, and a step of scrolling costs less than a frame of the screen has", async () => {
    visit = await Visit.live(browser);
    visit.server.write(many(10_000));
    await until("all are there", async () => (await visit.listed()) === 10_000, 30_000);
    visit.server.write(many(3000));
    await until(
      "the oldest ended go",
      async () => (await visit.row(0)).includes("client-12999") && (await visit.listed()) === 10_000,
    );
    expect(await visit.page.locator("#rows .row").count()).toBeLessThan(80);
    const cdp = await visit.page.context().newCDPSession(visit.page);
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async (): Promise<number> => {
      const { metrics } = await cdp.send("Performance.getMetrics");
      return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
    };
    const steps = 60;
    const round = async (): Promise<{ milliseconds: number }> => {
      const before = await busy();
      await visit.page.evaluate(async (count) => {
        const list = document.querySelector("#list");
        for (let step = 0; step < count; step += 1) {
          if (list !== null) list.scrollTop = (step * 4001) % (list.scrollHeight - list.clientHeight);
          await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
        }
      }, steps);
      const milliseconds = ((await busy()) - before) / steps;
      expect(milliseconds).toBeGreaterThan(0);
      return { milliseconds };
    };
    expect(await tooMuchInEachRound({ milliseconds: 16 }, round)).toEqual({});
    await visit.page.locator("#list").evaluate((it) => (it.scrollTop = it.scrollHeight));
    await visit.page.locator("#list").focus();
    await visit.page.keyboard.press("End");
    expect(await visit.page.locator(".row[aria-selected=true]").getAttribute("aria-rowindex")).toBe("10001");
    expect(visit.complaints).toEqual([]);
  });

  test("a person who has scrolled away keeps the row in sight while new ones come", async () => {
    visit = await Visit.live(browser);
    visit.server.write(many(500));
    await until("all are there", async () => (await visit.listed()) === 500);
    await visit.page.locator("#list").evaluate((it) => (it.scrollTop = 28 * 100));
    const top = (): Promise<number | undefined> =>
      visit.page
        .locator("#rows .row")
        .filter({ hasText: "client-395" })
        .evaluate((it) => Math.round(it.getBoundingClientRect().top));
    await until("it is there", async () => (await visit.rows()).some((row) => row.includes("client-395 ")));
    const before = await top();
    visit.server.write(many(50));
    await until("more are there", async () => (await visit.listed()) === 550);
    expect(await top()).toBe(before);
  });

  test("500 events a second do not freeze it", async () => {
    visit = await Visit.live(browser);
    visit.server.write(many(5000));
    await until("all are there", async () => (await visit.listed()) === 5000, 30_000);
    const round = () => freezes(visit.page, () => visit.server.write(many(25)));
    expect(await tooMuchInEachRound({ milliseconds: 100 }, round)).toEqual({});
  });

  test("1,000 frames a second with their payload do not freeze it", async () => {
    visit = await Visit.live(browser, { prepare: (it) => (it.watching = { payload: true }) });
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    await visit.page.locator("#rows .row").click();
    await visit.page.getByRole("button", { name: "Watch with payload" }).click();
    await until("it is asked for", () => visit.server.tracers === 1);
    const frame = { direction: "fromClient", opcode: 1, fin: true, size: 512, verdict: "forwarded" };
    const frames = (): void => {
      for (let more = 0; more < 50; more += 1) visit.server.emit("frame", { ...frame, payload: "<b>".repeat(170) });
    };
    expect(await tooMuchInEachRound({ milliseconds: 100 }, () => freezes(visit.page, frames))).toEqual({});
    expect(await visit.page.locator("#panel .frame").count()).toBeLessThan(60);
  });

  test("a phone's width has no sideways scrolling, and the panel fills the screen", async () => {
    visit = await Visit.live(browser, { width: 375 });
    visit.server.handshake({ client: `a-long-client-id-${"x".repeat(100)}`, reason: "CredentialInvalid" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("both are there", (rows) => rows.length === 2);
    const fits = (): Promise<boolean> => visit.page.evaluate(() => document.documentElement.scrollWidth <= 375);
    expect(await fits()).toBe(true);
    expect(
      await visit.page
        .locator("#rows .row")
        .first()
        .evaluate((it) => it.clientHeight),
    ).toBeGreaterThan(40);
    await visit.page.locator("#rows .row").last().click();
    const box = await visit.page.locator("#panel").boundingBox();
    expect(box).toMatchObject({ x: 0, y: 0, width: 375 });
    expect(await fits()).toBe(true);
    await visit.page.getByRole("button", { name: "Close this panel" }).click();
    expect(await visit.page.locator("#panel").isHidden()).toBe(true);
  });

  test.each([false, true])("text stands out from what is behind it (dark: %s)", async (dark) => {
    visit = await Visit.live(browser, { dark });
    visit.server.handshake({ client: "bob" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("both are there", (rows) => rows.length === 2);
    await visit.page.locator("#rows .row").last().click();
    const least = await visit.page.evaluate(() => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const light = (color: string, under: string): number => {
        if (canvas === null) return 0;
        for (const one of [under, color]) {
          canvas.fillStyle = one;
          canvas.fillRect(0, 0, 1, 1);
        }
        const [r = 0, g = 0, b = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
          const it = part / 255;
          return it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element: Element): string => {
        for (let at: Element | null = element; at !== null; at = at.parentElement) {
          const { backgroundColor } = getComputedStyle(at);
          if (!/, 0\)$|\/ 0\)$|transparent/.test(backgroundColor)) return backgroundColor;
        }
        return "white";
      };
      const texts = [
        ...document.querySelectorAll(
          "#rows span, #rows bdi, #panel bdi, #panel p, #panel dt, .tile dt, .tile .value, #columns span",
        ),
      ];
      const contrasts = texts
        .filter((it) => it.textContent !== "")
        .map((it) => {
          const card = getComputedStyle(document.querySelector("#list") ?? it).backgroundColor;
          const [one, other] = [light(getComputedStyle(it).color, card), light(behind(it), card)].sort((a, b) => b - a);
          return ((one ?? 0) + 0.05) / ((other ?? 0) + 0.05);
        });
      return Math.min(...contrasts);
    });
    expect(least).toBeGreaterThan(4.5);
  });
});
