import type { Browser, Page } from "playwright-core";
import { DebugServer } from "../fakes/debug-server.ts";
import { until } from "../fakes/sockets.ts";

/** A person who looks at the debug page of a gateway that a test makes up. */
export class Visit {
  readonly server: DebugServer;
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: string[] = [];

  private constructor(server: DebugServer, page: Page) {
    this.server = server;
    this.page = page;
    page.on("console", (message) => message.type() === "error" && this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("dialog", (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async begin(
    browser: Browser,
    {
      prepare = () => {},
      width = 1400,
      dark = false,
    }: { prepare?: (it: DebugServer) => void; width?: number; dark?: boolean } = {},
  ): Promise<Visit> {
    const server = await DebugServer.start();
    prepare(server);
    const context = await browser.newContext({
      viewport: { width, height: 860 },
      colorScheme: dark ? "dark" : "light",
    });
    const it = new Visit(server, await context.newPage());
    await it.page.goto(server.link);
    return it;
  }

  /** As `begin`, and the stream of events is open. */
  static async live(browser: Browser, options: Parameters<typeof Visit.begin>[1] = {}): Promise<Visit> {
    const it = await Visit.begin(browser, options);
    await until("the page watches", async () => (await it.state()) === "live");
    return it;
  }

  state(): Promise<string> {
    return this.page.locator("#state").innerText();
  }

  /** The rows that are visible, one text each. */
  async rows(): Promise<string[]> {
    const texts = await this.page.locator("#rows .row").evaluateAll((rows) =>
      rows
        .map((row) => ({ at: Number(row.getAttribute("aria-rowindex")), text: (row as HTMLElement).innerText }))
        .sort((one, other) => one.at - other.at)
        .map(({ text }) => text.replace(/\s+/g, " ").trim()),
    );
    return texts;
  }

  async row(index: number): Promise<string> {
    return (await this.rows())[index] ?? "";
  }

  rowsAre(what: string, holds: (rows: string[]) => boolean): Promise<void> {
    return until(what, async () => holds(await this.rows()));
  }

  /** How many connections the list has in all, behind a filter too. */
  async listed(): Promise<number> {
    return Number(await this.page.locator("#list").getAttribute("aria-rowcount")) - 1;
  }

  panel(): Promise<string> {
    return this.page.locator("#panel").innerText();
  }

  focused(): Promise<string> {
    return this.page.evaluate(() => document.activeElement?.id ?? "");
  }

  async end(): Promise<void> {
    await this.page.context().close();
    await this.server.close();
  }
}
