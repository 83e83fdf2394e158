import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { closeAnswer } from "../../api/admin-pages.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { configOf, type ConfigParts } from "../fakes/config.ts";
import { closeOf, parse } from "../fakes/frames.ts";
import { freePort } from "../fakes/program.ts";
import { ProbedProgram } from "../fakes/probed-program.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";

/** What ends all sessions of a process in one moment does not end them in one turn of its event loop. */

const SESSIONS = 1500;
/** CPU of one turn, in ms: all in one turn take 120 and more. */
const MOST = 60;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const TOKEN = "a-token-of-enough-characters";

/** What ends them: another config, or a request at the admin port. */
type Cause = ConfigParts | { readonly post: string };

test.each<[string, cause: Cause, close: string]>([
  [
    "a lifetime that all have passed",
    { routes: [{ policies: { timeouts: { lifetime: "1ms" } } }] },
    "3008 LifetimeEnded",
  ],
  [
    "a time of idleness that all have passed",
    { routes: [{ policies: { timeouts: { idle: "1ms" } } }] },
    "3008 IdleTimeout",
  ],
  [
    "the end of their route, without time to tell",
    { routes: [{ name: "other" }], drainPeriod: "1ms" },
    "1001 RouteRemoved",
  ],
  [
    "an operator that closes them",
    { post: "/sessions/close?address=127.0.0.1&reason=Bye" },
    "1008 EndedByOperator; Bye",
  ],
])("1,500 sessions end by %s", async (_what, cause, close) => {
  const round = async (): Promise<{ turn: number }> => {
    const backend = await new EchoBackend().open();
    const folder = await mkdtemp(join(tmpdir(), "wsproxy-crowds-"));
    open.push(
      () => rm(folder, { recursive: true, force: true }),
      () => backend.close(),
    );
    const [port, adminPort] = [await freePort(), await freePort()];
    const publish = async (name: string, value: object): Promise<void> => {
      await writeFile(join(folder, `${name}.next`), JSON.stringify(value));
      await rename(join(folder, `${name}.next`), join(folder, `${name}.json`));
    };
    await publish("config", configOf({ port, access: "None" }));
    await publish("endpoints", {
      version: 1,
      backends: { "echo:80": [{ address: "127.0.0.1", port: backend.port, state: "Ready" }] },
    });
    await writeFile(join(folder, "admin-token"), TOKEN);
    const addresses = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--admin-port", String(adminPort)];
    const program = new ProbedProgram(["dataplane", "--config", folder, ...addresses]);
    open.push(() => program.close());
    await until("it serves", () => program.logged("config applied") > 0, 15_000);
    const clients: RawClient[] = [];
    while (clients.length < SESSIONS) {
      const some = await Promise.all(Array.from({ length: 50 }, () => RawClient.send(port, request())));
      for (const client of some) expect((await client.answer()).status).toBe(101);
      clients.push(...some);
    }
    await program.probe("reset");
    if ("post" in cause) expect(await closedBy(adminPort, cause.post)).toBe(SESSIONS);
    else await publish("config", configOf({ port, access: "None", generation: 2, ...cause }));
    await until("all have ended", () => clients.every(({ ended }) => ended), 15_000);
    const { longest } = await program.probe();
    const told = clients.map(({ payload }) => closeOf(parse(payload).frames[0] ?? expect.fail("was told nothing")));
    expect(new Set(told.map(({ code, reason }) => `${code} ${reason}`))).toEqual(new Set([close]));
    for (const { socket } of clients) socket.destroy();
    return { turn: longest };
  };
  expect(await tooMuchInEachRound({ turn: MOST }, round)).toEqual({});
});

async function closedBy(adminPort: number, target: string): Promise<number> {
  const init = { method: "POST", headers: { authorization: `Bearer ${TOKEN}` } };
  const response = await fetch(`http://127.0.0.1:${adminPort}${target}`, init);
  return closeAnswer.parse(await response.json()).closed;
}
