import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BROWSER, launchBrowser } from "../../test/fakes/browser.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";
import { until } from "../../test/fakes/sockets.ts";
import { startSampleBackend, type SampleBackend } from "./server.ts";

const KEY = "example-key-alice-0001";
const alice = { client: "alice", digest: createHash("sha256").update(KEY).digest("base64url"), disabled: false };

if (BROWSER === undefined) {
  console.warn("Skipped: the page needs a browser. Install the package chromium, or set CHROMIUM to the path of one.");
}

describe.skipIf(BROWSER === undefined)("the page in Chromium", () => {
  let browser: Browser;
  let gateway: TestGateway;
  let backend: SampleBackend;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  /** The quickstart's route, with these keys. */
  async function serve(keys: readonly (typeof alice)[], ports: readonly number[] = []): Promise<void> {
    const from = [{ header: "x-api-key" }, { query: "apikey" }, { subprotocol: "wsproxy.key" }];
    const policies = {
      authentication: { require: "All", apiKey: { from, keys } },
      messages: { fromClient: [{ per: "Connection", limit: 5, interval: "1m", burst: 20 }], fromBackend: [] },
    };
    const path = { type: "Prefix", value: "/chat" } as const;
    await gateway.serve({ routes: [{ path, rewrite: { path: "/" }, policies }] }, ports);
  }

  beforeEach(async () => {
    gateway = new TestGateway();
    complaints = [];
    await serve([alice]);
    backend = await startSampleBackend({
      address: "127.0.0.1",
      port: 0,
      name: "pod-1",
      signal: new AbortController().signal,
      gateway: gateway.url("/chat"),
    });
    await serve([alice], [backend.port]);
    page = await browser.newPage();
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`http://127.0.0.1:${backend.port}/`);
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#url")?.value !== "");
  });

  afterEach(async () => {
    await page.close();
    await gateway.close();
    await backend.close();
  });

  const connect = (): Promise<void> => page.getByRole("button", { name: "Connect", exact: true }).click();
  const travels = (how: RegExp): Promise<void> => page.getByRole("radio", { name: how }).check();
  const status = (): Promise<string> => page.getByRole("status").innerText();
  const log = (): Promise<string> => page.getByRole("log").innerText();
  const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id);
  const expectStatus = (what: string): Promise<void> =>
    until(`the status shows ${what}`, async () => (await status()).includes(what));
  const expectLogged = (what: string): Promise<void> =>
    until(`the log shows ${what}`, async () => (await log()).includes(what));

  test("it loads without a complaint and says what it is about to do", async () => {
    expect(await page.locator("#name").innerText()).toBe("pod-1");
    expect(await page.getByLabel("Gateway URL").inputValue()).toBe(gateway.url("/chat"));
    expect(await page.getByLabel("API key").inputValue()).toBe(KEY);
    expect(await page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("with the key in the query it connects, and what is sent comes back", async () => {
    await connect();
    await expectStatus("Connected");
    await page.getByLabel("Message", { exact: true }).fill("grüße");
    await page.keyboard.press("Enter");
    await expectLogged("received\ngrüße");
    expect(await page.locator("#counts").innerText()).toBe("1 sent, 1 received");
    await page.getByRole("button", { name: "Disconnect" }).click();
    await expectStatus("Closed: 1000 goodbye");
    expect(await focused()).toBe("connect");
    expect(complaints).toEqual([]);
  });

  test("with the key in a subprotocol it connects, and the backend does not get to see the key", async () => {
    await page.getByLabel("Gateway URL").fill(gateway.url("/chat/headers"));
    await travels(/subprotocol/);
    await connect();
    await expectStatus("Subprotocol wsproxy.");
    await expectLogged("x-wsproxy-client");
    expect(await log()).not.toMatch(/wsproxy\.key|example-key/);
    expect(complaints).toEqual([]);
  });

  test("without a key it shows the status that the browser hides, and the reason", async () => {
    await travels(/not at all/);
    await connect();
    await expectStatus("Refused: 401 CredentialMissing");
    await expectStatus("A credential is required.");
    expect(await page.getByRole("button", { name: "Connect", exact: true }).isEnabled()).toBe(true);
  });

  test.each([/query/, /subprotocol/])("a wrong key in the %s is shown as one", async (how) => {
    await page.getByLabel("API key").fill("wrong-key-of-no-client-1");
    await travels(how);
    await connect();
    await expectStatus("Refused: 401 CredentialInvalid");
  });

  test("a burst hits the message limit: 1008, the reason and when to come back", async () => {
    await connect();
    await expectStatus("Connected");
    await page.getByLabel("Messages in a burst").fill("50");
    await page.getByRole("button", { name: "Send burst" }).click();
    await expectStatus("Closed: 1008 MessageRate; retry-after=");
    expect(await status()).toMatch(/MessageRate; retry-after=(\d+)\n[^]* Try again in \1 s\./);
    expect(await page.locator("#counts").innerText()).toMatch(/^50 sent, (\d|1\d|20) received$/);
    expect(complaints).toEqual([]);
  });

  test("a key that is revoked ends the live session: 3000", async () => {
    await connect();
    await expectStatus("Connected");
    await serve([], [backend.port]);
    await expectStatus("Closed: 3000 CredentialRevoked");
    await connect();
    await expectStatus("Refused: 401 CredentialInvalid");
  });

  test("a Close of the backend is shown with its code and reason", async () => {
    await connect();
    await expectStatus("Connected");
    await page.getByLabel("Message", { exact: true }).fill("close 4001 good bye");
    await page.keyboard.press("Enter");
    await expectStatus("Closed: 4001 good bye");
  });

  test("of a gateway that is not the backend's it says that it cannot know", async () => {
    await page.getByLabel("Gateway URL").fill("ws://127.0.0.1:9/chat");
    await connect();
    await expectStatus("Browsers do not tell scripts which");
  });

  test("what is no URL is said so", async () => {
    await page.getByLabel("Gateway URL").fill("nonsense");
    await connect();
    await expectStatus("Not a URL to connect to");
    expect(complaints).toEqual([]);
  });

  test("the keyboard alone is enough", async () => {
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("url");
    await page.keyboard.press("Enter");
    await expectStatus("Connected");
    expect(await focused()).toBe("text");
    await page.keyboard.press("Enter");
    await expectLogged("received\nhello");
    for (const next of ["send", "count", "send-burst", "clear", "log"]) {
      await page.keyboard.press("Tab");
      expect(await focused()).toBe(next);
    }
  });

  test("every field has a label", async () => {
    const nameless = await page
      .locator("input")
      .evaluateAll((fields) =>
        fields.filter((field) => (field as HTMLInputElement).labels?.length !== 1).map(({ id }) => id),
      );
    expect(nameless).toEqual([]);
  });
});
