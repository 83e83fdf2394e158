import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { ProtocolBackend } from "../fakes/protocol-backend.ts";
import { until } from "../fakes/sockets.ts";

// The snippets of docs/guides/stop-retrying*.md, as they stand there, but for the address and the key. A process that ends by
// itself proves that its library has no attempt left to make: no timer and no connection keeps it.

const ROOT = join(import.meta.dirname, "../..");
const PAGES = ["stop-retrying.md", "stop-retrying-protocols.md"];
const snippets = PAGES.flatMap((page) => {
  const text = readFileSync(join(ROOT, "docs/guides", page), "utf8");
  return [...text.matchAll(/^## (.*)\n\n```js\n([^]*?)^```$/gm)].map(([, title = "", code = ""]) => ({ title, code }));
});
const allowed = (...clients: readonly string[]): ConfigParts => ({ routes: [{ policies: withKeys(clients) }] });

/** Program that runs a snippet. */
class Run {
  said = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  constructor(code: string, gateway: TestGateway, key = keyOf("alice")) {
    const placed = code
      .replaceAll(/(?<=(?:ws|http))s:\/\/chat\.example\.com/g, `://127.0.0.1:${gateway.port}`)
      .replaceAll("<your key>", key);
    this.#child = spawn(process.execPath, ["--input-type=module", "--eval", placed], { cwd: ROOT });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    this.#ended = once(this.#child, "close");
  }

  /** Its last line, once it has ended by itself. */
  async end(): Promise<string> {
    const [code] = await this.#ended;
    return `${this.said.trim().split("\n").at(-1) ?? ""}, exit ${String(code)}`;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

interface Scene {
  readonly gateway: TestGateway;
  readonly backend: ProtocolBackend;
  readonly run: (key?: string) => Run;
}

async function scene(code: string, { onTestFinished }: Pick<TestContext, "onTestFinished">): Promise<Scene> {
  const backend = await new ProtocolBackend().open();
  onTestFinished(() => backend.close());
  const gateway = await new TestGateway().serve(allowed("alice"), [backend.port]);
  onTestFinished(() => gateway.close());
  const run = (key?: string): Run => {
    const started = new Run(code, gateway, key);
    onTestFinished(() => started.kill());
    return started;
  };
  return { gateway, backend, run };
}

/** Both ends have the session: from now on it ends by a Close frame. */
async function connected({ gateway, backend }: Scene, times: number): Promise<void> {
  const sessions = (): Promise<number> => gateway.metric("handshakes_total", { status: "101" });
  const holds = async (): Promise<boolean> => backend.connected.length >= times && (await sessions()) >= times;
  await until(`connected for the ${times}. time`, holds, 30_000);
}

test("there is a snippet for each library", () => {
  expect(snippets.map(({ title }) => title)).toEqual([
    ...["ws", "The browser's WebSocket", "reconnecting-websocket", "socket.io-client"],
    ...["graphql-ws", "@microsoft/signalr", "mqtt.js", "@stomp/stompjs", "nats.ws"],
  ]);
});

test.concurrent.for(snippets)(
  "$title connects again after BackendLost and 1012, and stops on 3000",
  async ({ code }, context) => {
    const all = await scene(code, context);
    const { gateway, backend } = all;
    const program = all.run();
    await connected(all, 1);
    backend.connected[0]?.terminate();
    await connected(all, 2);
    backend.connected[1]?.close(1012, "Draining");
    await connected(all, 3);
    await gateway.serve(allowed(), [backend.port]);
    expect(await program.end()).toMatch(/^stopped 3000\b.*, exit 0$/);
    expect(await gateway.metric("handshakes_total")).toBe(3);
  },
);

test.concurrent.for(snippets)("$title stops on 3003", async ({ code }, context) => {
  const all = await scene(code, context);
  const { gateway, backend } = all;
  const program = all.run();
  await connected(all, 1);
  const denied = { ...withKeys(["alice"]), deny: { clients: ["alice"], tokenIds: [], addresses: [] } };
  await gateway.serve({ routes: [{ policies: denied }] }, [backend.port]);
  expect(await program.end()).toMatch(/^stopped 3003\b.*, exit 0$/);
  expect(await gateway.metric("handshakes_total")).toBe(1);
});

test("ws stops on a 401", async (context) => {
  const { gateway, run } = await scene(snippets[0]?.code ?? "", context);
  expect(await run(keyOf("mallory")).end()).toBe("stopped 1006 401, exit 0");
  expect(await gateway.metric("handshakes_total")).toBe(1);
});
