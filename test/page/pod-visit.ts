import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { WsBackend } from "../fakes/backends.ts";
import { WsClient } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Program } from "../fakes/program.ts";
import { ProxyCluster } from "../fakes/proxy-cluster.ts";
import { until } from "../fakes/sockets.ts";

const KEYS = ["alice", "bob", "carol"].map((client) => ({
  client,
  digest: createHash("sha256").update(keyOf(client)).digest("base64url"),
  disabled: false,
}));

function keyOf(client: string): string {
  return `example-key-${client}-0001`;
}

/** A pod: a whole data plane with its admin port. */
interface Pod {
  readonly gateway: TestGateway;
  readonly port: number;
}

/** A person who looks at the page of `wsproxy debug`, fed from pods of a fake cluster with real data planes. */
export class PodVisit {
  readonly cluster: ProxyCluster;
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: string[] = [];
  readonly #backend: WsBackend;
  readonly #pods = new Map<string, Pod>();

  private constructor(cluster: ProxyCluster, page: Page, backend: WsBackend) {
    this.cluster = cluster;
    this.page = page;
    this.#backend = backend;
    page.on("console", (message) => message.type() === "error" && this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /** Opens the page; all ends with the test. */
  static async begin(
    browser: Browser,
    pods: readonly string[],
    { width = 1400, dark = false }: { width?: number; dark?: boolean } = {},
  ): Promise<PodVisit> {
    const cluster = await ProxyCluster.start();
    const backend = await new WsBackend().open();
    onTestFinished(() => backend.close());
    const colorScheme = dark ? "dark" : "light";
    const context = await browser.newContext({ viewport: { width, height: 860 }, colorScheme });
    onTestFinished(() => context.close());
    const visit = new PodVisit(cluster, await context.newPage(), backend);
    for (const name of pods) await visit.join(name);
    const program = new Program(["debug", ...cluster.args]);
    await until("the command prints its link", () => program.stdout.includes("\n") || program.ended !== undefined);
    await visit.page.goto(program.stdout.trim());
    return visit;
  }

  /** A pod is there from now on. */
  async join(name: string): Promise<TestGateway> {
    const gateway = new TestGateway();
    await this.serve(gateway);
    const gate = new AdminGate();
    gate.use("the-token");
    const admin = await adminServer(adminEndpoints(gateway.gateway, gateway.metrics, systemClock), "127.0.0.1", 0, {
      gate,
    });
    onTestFinished(async () => {
      await admin.close();
      await gateway.close();
    });
    this.#pods.set(name, { gateway, port: admin.port });
    this.cluster.gateway(name, admin.port);
    return gateway;
  }

  /** The config of a pod; `without`: a client whose key is revoked. */
  async serve(gateway: TestGateway, without?: string): Promise<void> {
    const keys = KEYS.filter(({ client }) => client !== without);
    const authentication = { require: "All", apiKey: { from: [{ header: "x-api-key" }], keys } } as const;
    const path = { type: "Prefix", value: "/chat" } as const;
    const backends = [this.#backend.port];
    await gateway.serve({ routes: [{ path, policies: { authentication } }], payload: "Allowed" }, backends);
  }

  /** The node of a pod does not reach its admin port any more; its sessions go on. */
  silence(pod: string): void {
    this.cluster.answers(pod, undefined);
  }

  /** The admin port of a pod is reached again. */
  reach(pod: string): void {
    this.cluster.answers(pod, this.#pod(pod).port);
  }

  /** A client opens a session in a pod. */
  connect(pod: string, client: string): Promise<WsClient> {
    const { gateway } = this.#pod(pod);
    return WsClient.open(gateway.url("/chat"), [], { headers: { "x-api-key": keyOf(client) } });
  }

  #pod(name: string): Pod {
    const pod = this.#pods.get(name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    return pod;
  }

  /** Resolves when the page watches the stream of each pod. */
  async watches(): Promise<void> {
    await until("the page is live", async () => (await this.page.locator("#state").innerText()) === "live");
    await until("each pod has a watcher", () => [...this.#pods.values()].every(({ gateway }) => isWatched(gateway)));
  }

  /** What stands in the row of a client, in one line; empty: there is none. */
  async row(client: string): Promise<string> {
    const row = this.#row(client);
    return (await row.count()) === 0 ? "" : (await row.innerText()).replace(/\s+/g, " ").trim();
  }

  rowIs(client: string, what: RegExp): Promise<void> {
    return until(`the row of ${client} is ${what}`, async () => what.test(await this.row(client)), 20_000);
  }

  async open(client: string): Promise<void> {
    await this.#row(client).click();
    await until("the panel is open", () => this.page.locator("#panel").isVisible());
  }

  /** The notices about pods, one text each. */
  async troubles(): Promise<string[]> {
    const texts = await this.page.locator("#troubles li").allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, " ").trim());
  }

  /** What a part of the page says, in one line. */
  async says(selector: string): Promise<string> {
    return (await this.page.locator(selector).innerText()).replace(/\s+/g, " ").trim();
  }

  saying(selector: string, what: RegExp): Promise<void> {
    return until(`${selector} says ${what}`, async () => what.test(await this.says(selector)), 20_000);
  }

  #row(client: string) {
    return this.page.locator("#rows .row").filter({ hasText: client }).first();
  }
}

function isWatched({ gateway }: TestGateway): boolean {
  return gateway.watching.watched;
}
