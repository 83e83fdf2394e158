import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { handshakePolicies } from "../../dataplane/policies/index.ts";
import { REJECTIONS } from "../../dataplane/rejection.ts";
import { BROWSER, launchBrowser } from "../fakes/browser.ts";
import { until } from "../fakes/sockets.ts";
import { Visit } from "./visit.ts";

if (BROWSER === undefined) {
  console.warn("Skipped: the page needs a browser. Install the package chromium, or set CHROMIUM to the path of one.");
}

describe.skipIf(BROWSER === undefined)("the debug page in Chromium", () => {
  let browser: Browser;
  let visit: Visit;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => visit.end());

  const closed = { code: 1008, reason: "MessageRate", by: "gateway", duration: 3, messages: {}, bytes: {} };

  test("takes the token out of the address bar, keeps it over a reload, and loads without a complaint", async () => {
    visit = await Visit.live(browser);
    expect(visit.page.url()).toBe(`${visit.server.url}/debug`);
    expect(await visit.page.evaluate(() => history.length)).toBe(2);
    expect(await visit.page.locator("#proxies").innerText()).toBe("demo/chat");
    await visit.page.reload();
    await until("the page watches again", async () => (await visit.state()) === "live");
    expect(visit.complaints).toEqual([]);
  });

  test("the token goes to the gateway in a header alone, and stays in this tab", async () => {
    visit = await Visit.begin(browser);
    const requests: { url: string; headers: Record<string, string> }[] = [];
    visit.page.on("request", (it) => requests.push({ url: it.url(), headers: it.headers() }));
    await until("the page watches", async () => (await visit.state()) === "live");
    await visit.page.reload();
    await until("all is asked", () => ["events", "config", "metrics"].every((path) => requests.some(isOf(path))));
    const { token, url } = visit.server;
    for (const { url: asked, headers } of requests) {
      expect(asked.startsWith(`${url}/`), asked).toBe(true);
      expect(asked).not.toContain(token);
      const { authorization = "", ...others } = headers;
      expect(JSON.stringify(others)).not.toContain(token);
      expect(authorization).toBe(/\/debug(\/[a-z-]+\.[a-z]+)?$/.test(asked) ? "" : `Bearer ${token}`);
    }
    const kept = await visit.page.evaluate(() => [document.cookie, JSON.stringify(localStorage), location.href]);
    expect(kept).toEqual(["", "{}", `${url}/debug`]);
    expect(await visit.page.content()).not.toContain(token);
  });

  test("shows a row for a 101 and for each kind of refusal, the newest first, and refusals stand out", async () => {
    visit = await Visit.live(browser, {
      prepare: (it) => it.past.push({ client: "earlier", reason: "Denied", status: 403 }),
    });
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    const refusals = Object.entries(REJECTIONS).flatMap(([reason, row]) =>
      "status" in row ? ([[reason, row.status]] as const) : [],
    );
    for (const [reason, status] of refusals)
      visit.server.handshake({ client: `c-${reason}`, reason, status, policy: undefined });
    await until("all are there", async () => (await visit.listed()) === refusals.length + 2);
    const rows = await visit.rows();
    for (const [index, [reason, status]] of refusals.toReversed().slice(0, 20).entries()) {
      expect(rows[index]).toMatch(new RegExp(`c-${reason} chat ${status} – ${reason}$`));
    }
    await visit.page.keyboard.press("/");
    await visit.page.keyboard.type("alice");
    await visit.rowsAre("alice is there", ([first = ""]) => / alice chat 101 /.test(first));
    const bars: string[] = [];
    for (const outcome of ["Refused", "Open"]) {
      await visit.page.locator("#filter").fill("");
      await visit.page.locator("#outcomes label").filter({ hasText: outcome }).click();
      await visit.rowsAre(outcome, ([first = ""]) => first.includes(" 101 ") === (outcome === "Open"));
      bars.push(
        await visit.page
          .locator("#rows .row")
          .first()
          .evaluate((row) => getComputedStyle(row).boxShadow),
      );
    }
    expect([bars[0] === "none", bars[1]]).toEqual([false, "none"]);
    expect(visit.complaints).toEqual([]);
  });

  test("follows a session from its 101 to its end, and says how it ended and by which end", async () => {
    visit = await Visit.live(browser);
    const session = visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("it is open", ([row = ""]) => row.includes("alice chat 101"));
    session.messages = { fromClient: 1200, fromBackend: 34 };
    session.bytes = { fromClient: 4096, fromBackend: 100 };
    await visit.rowsAre("its counts are there", ([row = ""]) => row.includes("↑ 1.2k ↓ 34 ↑ 4 KiB ↓ 100 B"));
    visit.server.sessions.delete("s-1");
    visit.server.emit("closed", { session: "s-1", ...closed, code: 3000, reason: "CredentialRevoked", duration: 61 });
    await visit.rowsAre("it has ended", ([row = ""]) => /1 min 01 s .*3000 CredentialRevoked · gateway$/.test(row));
    expect(visit.complaints).toEqual([]);
  });

  test("a row opens with the trace in the chain's order, its times and verdicts, and what to do", async () => {
    visit = await Visit.live(browser);
    const names = ["handshake", "route", "capacity", ...Object.keys(handshakePolicies), "backend", "answer"];
    const refusedAt = names.indexOf("authentication");
    const steps = names.map((name, at) =>
      at > refusedAt
        ? { name, verdict: "skipped" }
        : {
            name,
            micros: 10 + at,
            ...(at === refusedAt ? { verdict: "refused", reason: "CredentialMissing" } : { verdict: "passed" }),
          },
    );
    visit.server.handshake({ client: "alice", steps, cause: "no header x-api-key" });
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    await visit.page.locator("#rows .row").click();
    const shown = visit.page.locator("#panel .trace li");
    expect(await shown.locator(".name > bdi").allInnerTexts()).toEqual(names);
    expect(await shown.evaluateAll((items) => items.map((it) => (it as HTMLElement).dataset["verdict"]))).toEqual(
      steps.map(({ verdict }) => verdict),
    );
    expect(await shown.locator(".took").allInnerTexts()).toEqual(
      steps.map((_, at) => (at > refusedAt ? "skipped" : `${10 + at} µs`)),
    );
    const panel = await visit.panel();
    for (const words of [
      "refused 401",
      "CredentialMissing · authentication",
      "The route asks for a credential",
      "no header x-api-key",
    ])
      expect(panel).toContain(words);
    expect(visit.complaints).toEqual([]);
  });

  test("the timeline shows what happens in a session that is open in the panel, as it happens", async () => {
    visit = await Visit.live(browser);
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1", requestId: "r-1" });
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    await visit.page.locator("#rows .row").click();
    visit.server.emit("timeline", { session: "s-1", what: "ping" });
    visit.server.emit("timeline", { session: "s-1", what: "ping" });
    visit.server.emit("limit", { session: "s-1", policy: "messages", per: "Client", action: "Delay", shadow: false });
    visit.server.emit("timeline", { session: "s-1", what: "closeSent", code: 1008, reason: "MessageRate" });
    visit.server.emit("closed", { session: "s-1", ...closed });
    const lines = visit.page.locator("#panel .timeline li");
    await until("all is there", async () => (await lines.count()) === 5);
    expect((await lines.allInnerTexts()).map((line) => line.split("\n").slice(1).join(" "))).toEqual([
      "101, session open",
      "ping to the client ×2",
      "limit hit messages per Client · Delay",
      "Close frame sent 1008 · MessageRate",
      "closed by the gateway 1008 · MessageRate",
    ]);
    expect(await visit.page.getByRole("button", { name: /Close this session/ }).count()).toBe(0);
  });

  test("filters by client, route, status and reason, and says where nothing fits", async () => {
    visit = await Visit.live(browser);
    visit.server.handshake({ client: "alice", session: "s-1" });
    visit.server.handshake({ client: "bob", route: "other", status: 403, reason: "Denied" });
    visit.server.handshake({ client: "carol", reason: "CredentialExpired" });
    await visit.rowsAre("all are there", (rows) => rows.length === 3);
    const cases = [
      ["client:ali", ["alice"]],
      ["route:other", ["bob"]],
      ["status:40", ["carol", "bob"]],
      ["reason:credential", ["carol"]],
      ["route:chat status:4", ["carol"]],
    ] as const;
    for (const [text, names] of cases) {
      await visit.page.getByLabel("Filter").fill(text);
      await visit.rowsAre(text, (rows) => rows.map((row) => row.split(" ")[1]).join() === names.join());
    }
    await visit.page.getByLabel("Filter").fill("client:zoe");
    await visit.page.getByRole("button", { name: "Clear the filter" }).click();
    await visit.rowsAre("all are there again", (rows) => rows.length === 3);
    await visit.page.locator("#rows .row").nth(1).click();
    await visit.page.getByRole("button", { name: "Show only this client" }).click();
    await visit.rowsAre("one is left", (rows) => rows.length === 1);
    expect(visit.complaints).toEqual([]);
  });

  test("a pause holds the list where it is, and says how much is new", async () => {
    visit = await Visit.live(browser);
    visit.server.handshake({ client: "first" });
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    await visit.page.getByRole("button", { name: "Pause" }).click();
    for (let more = 0; more < 3; more += 1) visit.server.handshake({ client: "later" });
    await until("it says so", async () => (await visit.page.locator("#shown").innerText()) === "1 · 3 new");
    expect(await visit.rows()).toHaveLength(1);
    await visit.page.getByRole("button", { name: "Resume" }).click();
    await visit.rowsAre("all are there", (rows) => rows.length === 4);
  });

  test("the button asks before it closes a session, and the client is told the text", async () => {
    visit = await Visit.live(browser);
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    await visit.page.locator("#rows .row").click();
    const ask = visit.page.getByRole("button", { name: "Close this session…" });
    await ask.click();
    await visit.page.getByRole("button", { name: "Keep it" }).click();
    expect([visit.server.closes, visit.server.sessions.size]).toEqual([[], 1]);
    await ask.click();
    expect(await visit.focused()).toBe("closing-text");
    await visit.page.keyboard.type("maintenance & more");
    expect(await visit.page.locator("#closing-wire").innerText()).toBe(
      "The client gets: 1008 EndedByOperator; maintenance & more",
    );
    await visit.page.getByRole("button", { name: "Close the session" }).click();
    await visit.rowsAre("it has ended", ([row = ""]) => row.endsWith("1008 EndedByOperator · gateway"));
    expect(visit.server.closes).toEqual([{ id: "s-1", reason: "maintenance & more" }]);
    expect(await visit.page.locator("dialog").innerText()).toContain("The client may connect again");
    await visit.page.getByRole("button", { name: "Done" }).click();
    expect(visit.complaints).toEqual([]);
  });

  test("frames of a session are shown as they pass, and the trace stops with the panel", async () => {
    visit = await Visit.live(browser, { prepare: (it) => (it.watching = { payload: true }) });
    visit.server.open("s-1", { client: "alice" });
    visit.server.handshake({ client: "alice", session: "s-1" });
    await visit.rowsAre("it is there", (rows) => rows.length === 1);
    await visit.page.locator("#rows .row").click();
    await visit.page.getByRole("button", { name: "Watch with payload" }).click();
    await until("it is asked for", () => visit.server.traces.length === 1);
    expect(visit.server.traces[0]).toBe("/debug/frames?session=s-1&seconds=600&payload=256");
    const frame = { session: "s-1", direction: "fromClient", opcode: 1, fin: true, size: 5, verdict: "forwarded" };
    for (const payload of ["one", "two"]) visit.server.emit("frame", { ...frame, payload });
    visit.server.emit("leftOut", { frames: 1200 });
    const lines = visit.page.locator("#panel .frame");
    await until("they are there", async () => (await lines.count()) === 3);
    const texts = (await lines.allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
    expect(texts.filter((text) => text.includes("forwarded one")).length).toBe(1);
    expect(texts.filter((text) => text.includes("1.2k frames left out")).length).toBe(1);
    await visit.page.getByRole("button", { name: "Close this panel" }).click();
    visit.server.write(":\n\n");
    await until("the trace is over", () => visit.server.tracers === 0);
    expect(visit.complaints).toEqual([]);
  });

  test("the head line shows totals, and pods that serve another generation", async () => {
    const metrics = (factor: number): string =>
      `wsproxy_connections 42\nwsproxy_buffered_bytes 2048\nwsproxy_messages_total ${1000 * factor}\n` +
      `wsproxy_handshakes_total{status="401",reason="CredentialMissing"} ${100 * factor}\n`;
    visit = await Visit.live(browser, { prepare: (it) => (it.metrics = metrics(1)) });
    const tile = (name: string): Promise<string> => visit.page.locator(`.tile[data-name="${name}"]`).innerText();
    await until("sessions", async () => (await tile("Open sessions")).includes("42"));
    visit.server.metrics = metrics(2);
    await until("refusals", async () => /\d+\s*\/s · CredentialMissing/.test(await tile("Refused")));
    expect([await tile("Buffered"), await tile("Serving")]).toEqual([
      "Buffered\n2 KiB",
      "Serving list\n1 proxy\ngen 7",
    ]);
    visit.server.config = {
      proxies: ["a", "b", "c"].map((pod, at) => ({ pod, proxy: "demo/chat", generation: at ? 8 : 7 })),
    };
    await until("pods", async () => (await tile("Serving")) === "Serving pods\n3 pods\ngen 7 (1), 8 (2)");
  });
});

function isOf(path: string): (request: { url: string }) => boolean {
  return ({ url }) => url.includes(path);
}
