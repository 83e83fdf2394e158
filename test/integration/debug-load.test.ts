import { afterEach, beforeEach, expect, test } from "vitest";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, request, WsClient } from "../fakes/clients.ts";
import { text } from "../fakes/frames.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";

/** Handshakes that are under way at the same time. */
const UNDER_WAY = 40;
/** In one go; how many there are in a second is the machine's. */
const HANDSHAKES = 6000;
const MIB = 1_048_576;

let backend: RawBackend;

beforeEach(async () => {
  backend = await new RawBackend(polite).open();
});
afterEach(() => backend.close());

/** Handshakes as fast as they go: every other one is refused, the others hang up behind their 101. */
async function load(port: number, handshakes: number): Promise<number[]> {
  const statuses: number[] = [];
  let left = handshakes;
  const client = async (): Promise<void> => {
    while ((left -= 1) >= 0) {
      const target = left % 2 === 0 ? "/ws" : "/none";
      const one = await RawClient.send(port, request({ target, headers: { "X-Request-Id": `request-${left}` } }));
      statuses.push((await one.answer()).status);
      one.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, client));
  return statuses;
}

test("watchers that read nothing are cut, and thousands of handshakes leave memory as it was and sessions unharmed", async () => {
  const round = async (): Promise<{ heap: number; turn: number }> => {
    const routes = [{ path: { type: "Prefix" as const, value: "/ws" } }];
    const gateway = await GatewayProcess.start({ config: { routes }, ports: [backend.port], watched: true });
    const already = backend.connections.length;
    const session = await WsClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    try {
      await gateway.stall();
      await load(gateway.port, HANDSHAKES / 2);
      await gateway.lines();
      const [before, cut] = [await gateway.usage(), await gateway.stall()];
      await gateway.longestTurn();
      const statuses = await load(gateway.port, HANDSHAKES);
      const turn = await gateway.longestTurn();
      await gateway.lines();
      const after = await gateway.usage();
      expect(statuses.filter((status) => status === 101)).toHaveLength(HANDSHAKES / 2);
      expect(statuses.filter((status) => status === 404)).toHaveLength(HANDSHAKES / 2);
      // Each handshake is 0.3 to 1 KiB for each watcher: all five had more than a megabyte to read, and came again.
      expect(await gateway.stall()).toBeGreaterThanOrEqual(cut + 5);
      backend.connections[already]?.socket.write(text("still here"));
      expect(await session.message()).toBe("still here");
      return { heap: after.heap - before.heap, turn };
    } finally {
      session.socket.terminate();
      await gateway.close();
    }
  };
  expect(await tooMuchInEachRound({ heap: 3 * MIB, turn: 100 }, round)).toEqual({});
}, 240_000);
