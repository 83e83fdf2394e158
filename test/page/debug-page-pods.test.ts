import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER, launchBrowser } from "../fakes/browser.ts";
import { until } from "../fakes/sockets.ts";
import { PodVisit } from "./pod-visit.ts";

describe.skipIf(BROWSER === undefined)("the debug page of wsproxy debug, over the pods of a proxy", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test("sessions of all pods are rows with their pod, and the head line says what each pod serves", async () => {
    const visit = await PodVisit.begin(browser, ["chat-a", "chat-b", "chat-c"]);
    await visit.watches();
    await visit.connect("chat-a", "alice");
    await visit.connect("chat-b", "bob");
    await visit.rowIs("alice", /alice chat-a main 101/);
    await visit.rowIs("bob", /bob chat-b main 101/);
    await visit.page.getByLabel("Filter").fill("pod:chat-b");
    await until("one row is left", async () => (await visit.page.locator("#rows .row").count()) === 1);
    await visit.saying('.tile[data-name="Serving"]', /3 pods gen \d+/);
    await visit.saying('.tile[data-name="Open sessions"]', /^Open sessions 2$/);
    await visit.page.getByRole("button", { name: "pods", exact: true }).click();
    const lines = await visit.page.locator("#served li").allInnerTexts();
    expect(lines.map((line) => line.replace(/\s+/g, " "))).toEqual(
      ["a", "b", "c"].map((name) => expect.stringMatching(new RegExp(`^chat-${name} · test/proxy generation \\d+$`))),
    );
    await visit.page.keyboard.press("Escape");
    expect(await visit.page.locator("#served").isVisible()).toBe(false);
    expect(visit.complaints).toEqual([]);
  });

  test("frames are watched through the command, and the button closes the session in its pod", async () => {
    const visit = await PodVisit.begin(browser, ["chat-a", "chat-b"]);
    await visit.watches();
    const others = [await visit.connect("chat-a", "alice"), await visit.connect("chat-b", "carol")];
    const client = await visit.connect("chat-b", "bob");
    await visit.rowIs("bob", /chat-b main 101/);
    await visit.open("bob");
    await visit.page.getByRole("button", { name: "Watch with payload" }).click();
    await visit.saying("#panel .frames", /Watching/);
    client.socket.send("hello through two ports");
    const frames = visit.page.locator("#panel .frame").filter({ hasText: "hello through two ports" });
    await until("both ways", async () => (await frames.count()) === 2);
    await visit.page.getByRole("button", { name: "Close this session…" }).click();
    await visit.page.getByLabel("Text for the client").fill("lunch");
    await visit.page.getByRole("button", { name: "Close the session" }).click();
    expect(await client.close()).toEqual({ code: 1008, reason: "EndedByOperator; lunch" });
    await visit.rowIs("bob", /1008 EndedByOperator · gateway$/);
    await visit.saying("#panel .frames", /The trace is over: 2 frames/);
    expect(others.map(({ closed }) => closed)).toEqual([undefined, undefined]);
    expect(await visit.says("dialog")).not.toContain("gave no answer");
    expect(visit.complaints).toEqual([]);
  });

  test("a key that is revoked in one pod ends the session there with 3000", async () => {
    const visit = await PodVisit.begin(browser, ["chat-a"]);
    const second = await visit.join("chat-b");
    await visit.watches();
    const client = await visit.connect("chat-b", "bob");
    await visit.rowIs("bob", /chat-b main 101/);
    await visit.serve(second, "bob");
    expect((await client.close()).code).toBe(3000);
    await visit.rowIs("bob", /3000 CredentialRevoked · gateway$/);
  });

  test("a pod that gives no answer has one notice and marked rows, until it answers again", async () => {
    const visit = await PodVisit.begin(browser, ["chat-a", "chat-b"]);
    await visit.watches();
    await visit.connect("chat-a", "alice");
    const client = await visit.connect("chat-b", "bob");
    await visit.rowIs("bob", /chat-b main 101/);
    await visit.saying('.tile[data-name="Serving"]', /2 pods/);
    visit.silence("chat-b");
    await visit.rowIs("bob", /its pod gives no answer$/);
    await until("a notice", async () => (await visit.troubles()).length === 1, 20_000);
    expect((await visit.troubles())[0]).toMatch(/^chat-b .*chat-b/);
    await visit.saying('.tile[data-name="Serving"]', /1 of 2 pods gen \d+$/);
    expect(await visit.row("alice")).not.toContain("no answer");
    await visit.open("alice");
    await visit.page.getByRole("button", { name: "Close this session…" }).click();
    await visit.page.getByRole("button", { name: "Close the session" }).click();
    await visit.saying("dialog", /was told to end.*A pod gave no answer: .*chat-b/);
    await visit.page.getByRole("button", { name: "Done" }).click();
    visit.reach("chat-b");
    await until("no notice", async () => (await visit.troubles()).length === 0, 30_000);
    await visit.rowIs("bob", /chat-b main 101(?!.*no answer)/);
    await visit.saying('.tile[data-name="Serving"]', /^Serving pods 2 pods gen \d+$/);
    client.socket.close(1000, "bye");
    await visit.rowIs("bob", /1000 Closed · client$/);
    const complaints = visit.complaints.filter((one) => !one.includes("status of 404"));
    expect(complaints).toEqual([]);
  }, 90_000);

  test("pods that join and leave are told, and the sessions of one that left end with it", async () => {
    const visit = await PodVisit.begin(browser, ["chat-a", "chat-b"]);
    await visit.watches();
    await visit.connect("chat-b", "bob");
    await visit.rowIs("bob", /chat-b main 101/);
    await visit.join("chat-c");
    await visit.saying("#news", /^chat-c joined$/);
    await visit.watches();
    await visit.connect("chat-c", "carol");
    await visit.rowIs("carol", /chat-c main 101/);
    visit.cluster.remove("chat-b");
    await visit.saying("#news", /chat-b left$/);
    await visit.rowIs("bob", /ended with its pod$/);
    await visit.saying('.tile[data-name="Serving"]', /2 pods/);
    expect(await visit.troubles()).toEqual([]);
    for (const pod of ["chat-a", "chat-c"]) visit.cluster.remove(pod);
    await visit.saying("#notice", /No pod answers.*demo\/chat has no pods.*wsproxy status.*goes on by itself/);
    expect(await visit.says("#state")).toBe("no pod answers");
    await visit.join("chat-d");
    await visit.saying("#state", /^live$/);
    expect(await visit.page.locator("#notice").isHidden()).toBe(true);
    await visit.connect("chat-d", "alice");
    await visit.rowIs("alice", /chat-d main 101/);
  }, 90_000);
});
