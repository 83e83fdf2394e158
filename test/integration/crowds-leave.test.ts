import { expect, test } from "vitest";
import { Crowd } from "../fakes/crowd.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";
import { Stormed } from "../fakes/stormed.ts";

const CLIENTS = 2500;
/**
 * Bounds of CPU time, in ms, of one turn of the event loop and of what comes before the answer to a probe: 2,500 TLS
 * sockets that Node takes down in one turn need 100 and more.
 */
const MOST = { turn: 75, probe: 250 };

test.each<[string, "end" | "reset", boolean]>([
  ["wss clients that end their connections", "end", true],
  ["wss clients that reset their connections", "reset", true],
  ["ws clients that end their connections", "end", false],
  ["ws clients that reset their connections", "reset", false],
])(
  "2,500 %s in one moment hold up neither the event loop nor a probe",
  async (_who, how, tls) => {
    const round = async (): Promise<typeof MOST> => {
      const it = await Stormed.start({ tls, trustedProxies: ["127.0.0.1"], handshake: "1m" });
      const crowd = await Crowd.gather({ port: it.port, clients: CLIENTS, addresses: 1, tls });
      expect(await crowd.come()).toMatchObject({ accepted: CLIENTS });
      await it.program.probe("reset");
      const health = it.watchHealth();
      await crowd.leave(how);
      await until("all have left", async () => (await it.metric("descriptors_used")) === 0, 30_000);
      const { failures, own } = await health.stop();
      expect(failures).toEqual([]);
      expect(await it.metric("connections_closed_total", 'code="1006"')).toBe(CLIENTS);
      return { turn: (await it.program.probe()).longest, probe: Math.max(...own) };
    };
    expect(await tooMuchInEachRound(MOST, round)).toEqual({});
  },
  120_000,
);
