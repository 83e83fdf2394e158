import { createHash } from "node:crypto";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pageEndpoints } from "../../cli/page/page-endpoints.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { handshakePolicies } from "../../dataplane/policies/index.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { WsBackend } from "../fakes/backends.ts";
import { BROWSER, launchBrowser } from "../fakes/browser.ts";
import { RawClient, request, WsClient } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

const TOKEN = "a-token-of-enough-characters";
/** A port where nothing listens. */
const NO_BACKEND = 1;
const KEY = "example-key-alice-0001";
const KEYED = { "x-api-key": KEY };
const alice = { client: "alice", digest: createHash("sha256").update(KEY).digest("base64url"), disabled: false };

describe.skipIf(BROWSER === undefined)("the debug page of a real gateway", () => {
  let browser: Browser;
  let backend: WsBackend;
  let gateway: TestGateway;
  let admin: AdminServer;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  async function serve(keys: readonly (typeof alice)[], port = backend.port): Promise<void> {
    const apiKey = { from: [{ header: "x-api-key" }], keys };
    const policies = {
      authentication: { require: "All", apiKey },
      messages: { fromClient: [{ per: "Connection", limit: 5, interval: "1m", burst: 5 }], fromBackend: [] },
    };
    const path = { type: "Prefix", value: "/chat" } as const;
    await gateway.serve({ routes: [{ path, policies }], payload: "Allowed" }, [port]);
  }

  beforeEach(async () => {
    backend = await new WsBackend().open();
    gateway = new TestGateway();
    await serve([alice]);
    const gate = new AdminGate();
    gate.use(TOKEN);
    const endpoints = { ...adminEndpoints(gateway.gateway, gateway.metrics, systemClock), ...(await pageEndpoints()) };
    admin = await adminServer(endpoints, "127.0.0.1", 0, { gate });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${admin.port}/debug#token=${TOKEN}`);
    await until("the page watches", async () => (await page.locator("#state").innerText()) === "live");
  });
  afterEach(async () => {
    await page.close();
    await admin.close();
    await gateway.close();
    await backend.close();
  });

  const connect = (): Promise<WsClient> => WsClient.open(gateway.url("/chat"), [], { headers: { "x-api-key": KEY } });
  const newest = (): Locator => page.locator('#rows .row[aria-rowindex="2"]');
  const refusedAt = async (): Promise<string> =>
    (await page.locator("#panel .trace [data-verdict=refused] .name > bdi").allInnerTexts()).join();
  const row = async (): Promise<string> => (await newest().innerText()).replace(/\s+/g, " ").trim();
  const rowIs = (what: RegExp): Promise<void> =>
    until(`the row is ${what}`, async () => (await newest().count()) > 0 && what.test(await row()));

  test("a client without a key finds its reason: the row, the step that refused it, and the cause", async () => {
    const client = await RawClient.send(gateway.port, request({ target: "/chat" }));
    expect((await client.answer()).status).toBe(401);
    await rowIs(/127\.0\.0\.1 main 401 – CredentialMissing · authentication$/);
    await newest().click();
    const names = await page.locator("#panel .trace .name > bdi").allInnerTexts();
    expect(names.slice(0, 3)).toEqual(["handshake", "route", "capacity"]);
    expect(names.slice(-2)).toEqual(["backend", "answer"]);
    expect(await page.locator("#panel .trace [data-verdict=refused] .name > bdi").innerText()).toBe("authentication");
    expect(await page.locator("#panel .why").innerText()).toContain("x-api-key");
  });

  test("the trace of a session has the steps of the gateway's chain in their order, each with its time", async () => {
    await connect();
    await rowIs(/alice main 101 /);
    await newest().click();
    const steps = page.locator("#panel .trace li");
    const names = await steps.locator(".name > bdi").allInnerTexts();
    const chain = ["handshake", "route", "capacity", ...Object.keys(handshakePolicies), "store", "backend", "answer"];
    expect(names).toContain("authentication");
    expect(names).toEqual(chain.filter((name) => names.includes(name)));
    const verdicts = await steps.evaluateAll((items) => items.map((it) => (it as HTMLElement).dataset["verdict"]));
    expect(new Set(verdicts)).toEqual(new Set(["passed"]));
    expect((await steps.locator(".took").allInnerTexts()).every((time) => /^[\d.]+ (µs|ms)$/.test(time))).toBe(true);
  });

  test("each refusal that a client can provoke is a row with the step that decided", async () => {
    const refusals = [
      [{ target: "/elsewhere" }, /404 – RouteNotFound/, "route"],
      [{ target: "/chat/%2e%2e/x" }, /400 – AmbiguousTarget/, "handshake"],
      [{ target: "/chat", method: "POST" }, /405 – MethodNotAllowed/, "handshake"],
      [
        { target: "/chat", headers: { ...KEYED, Upgrade: null, Connection: null } },
        /426 – UpgradeRequired/,
        "handshake",
      ],
      [
        { target: "/chat", headers: { ...KEYED, "Sec-WebSocket-Version": "7" } },
        /426 – VersionUnsupported/,
        "handshake",
      ],
      [{ target: "/chat", headers: { ...KEYED, "Sec-WebSocket-Key": "short" } }, /400 – BadHandshake/, "handshake"],
      [{ target: "/chat", headers: { "x-api-key": "of-no-client" } }, /401 – CredentialInvalid · /, "authentication"],
      [{ target: "/chat", headers: KEYED }, /502 – BackendUnreachable/, "backend"],
    ] as const;
    await serve([alice], NO_BACKEND);
    for (const [parts, what, step] of refusals) {
      await (await RawClient.send(gateway.port, request(parts))).answer();
      await rowIs(what);
      await newest().click();
      await until(`${step} is shown`, async () => (await refusedAt()) === step);
    }
  });

  test("a session whose key is revoked ends with 3000, and its row says so", async () => {
    const client = await connect();
    await rowIs(/alice main 101 /);
    await serve([]);
    expect((await client.close()).code).toBe(3000);
    await rowIs(/3000 CredentialRevoked · gateway$/);
  });

  test("the button closes the client's session with 1008 and the text", async () => {
    const client = await connect();
    await rowIs(/alice main 101 /);
    await newest().click();
    await page.getByRole("button", { name: "Close this session…" }).click();
    await page.getByLabel("Text for the client").fill("please update");
    await page.getByRole("button", { name: "Close the session" }).click();
    expect(await client.close()).toEqual({ code: 1008, reason: "EndedByOperator; please update" });
    await rowIs(/1008 EndedByOperator · gateway$/);
  });

  test("frames of a session are shown with their payload, and the limit that ends it in the timeline", async () => {
    const client = await connect();
    await rowIs(/alice main 101 /);
    await newest().click();
    await page.getByRole("button", { name: "Watch with payload" }).click();
    await until("it watches", async () => (await page.locator("#panel .frames").innerText()).includes("Watching"));
    client.socket.send("hello");
    const frames = page.locator("#panel .frame");
    await until("both ways", async () => (await frames.filter({ hasText: "hello" }).count()) === 2);
    for (let more = 0; more < 6; more += 1) client.socket.send("more");
    await rowIs(/1008 MessageRate/);
    const timeline = await page.locator("#panel .timeline").innerText();
    expect(timeline).toMatch(/limit hit[^]*messages per Connection[^]*closed by the gateway/);
  });
});
